package dev.warmgate.kernels;

/** Whether a tier can run here. A library that doesn't load is a value with its cause. */
public sealed interface Availability {

  /** The tier runs on this machine. */
  record Available() implements Availability {}

  /**
   * The tier can't run here.
   *
   * @param reason one line for people
   */
  record Unavailable(String reason) implements Availability {}

  /** Whether this is {@link Available}. */
  default boolean isAvailable() {
    return this instanceof Available;
  }
}
