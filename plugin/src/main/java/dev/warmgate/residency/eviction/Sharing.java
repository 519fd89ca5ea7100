package dev.warmgate.residency.eviction;

/** How the layers share a cache's slots. */
public enum Sharing {
  /**
   * Each layer is entitled to an equal part: one that has it makes room among its own experts, one
   * that has less takes from those that have more.
   */
  EQUAL,
  /** Whatever expert is worth least goes, of whichever layer, so that slots go where they help. */
  POOL
}
