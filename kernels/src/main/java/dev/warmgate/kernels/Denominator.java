package dev.warmgate.kernels;

/** What the softmax behind the combine weights sums over. */
public enum Denominator {
  /** All experts: the weights of the selected sum to less than one. */
  ALL,
  /** The selected experts: the weights sum to one. */
  SELECTED
}
