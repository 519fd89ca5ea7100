package dev.warmgate.kernels;

/** The three steps of a feed-forward batch. All parts of a step end before the next step begins. */
public enum Step {
  /** {@code inner[a,:] = activation(x[a / topK,:] · fc1ᵀ + bias1)}; parts split the rows of fc1. */
  UP,
  /** {@code partial[a,:] = inner[a,:] · fc2ᵀ + bias2}; parts split the rows of fc2. */
  DOWN,
  /** {@code out[t,:] = Σ_rank gateWeights[t,rank] · partial[t·topK + rank,:]}; parts split out. */
  COMBINE
}
