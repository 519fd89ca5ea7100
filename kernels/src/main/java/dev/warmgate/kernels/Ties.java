package dev.warmgate.kernels;

/** Which of two experts with equal scores is chosen. */
public enum Ties {
  /** The one with the lower id. */
  LOWER_ID,
  /** The one with the higher id. */
  HIGHER_ID
}
