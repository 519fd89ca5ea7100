package dev.warmgate.kernels;

/**
 * How much a route may prefer experts that are resident. {@link Kernels#route} has the formulas.
 */
public enum RoutePolicy {
  /** Not at all: the model's own choice. */
  LOSSLESS,
  /** A resident expert's logit gets a fixed bonus. */
  ADDITIVE,
  /** The bonus is a share of the range of the layer's logits, so it suits any scale of them. */
  CACHE_PRIOR,
  /** A resident expert may replace an absent one if its rank is good enough. */
  MAX_RANK
}
