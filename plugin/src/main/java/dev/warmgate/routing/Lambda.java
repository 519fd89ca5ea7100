package dev.warmgate.routing;

import dev.warmgate.metrics.ControllerState;
import java.util.Optional;

/** The strength of a policy's bias, as it is now. Read and told by many threads. */
public interface Lambda {

  /** What the next call uses. */
  float value();

  /**
   * Tells what a call did.
   *
   * @param chosen how many experts its tokens chose
   * @param misses how many of those were not resident
   * @param kept the kept gate mass of its tokens, summed
   * @param tokens how many
   */
  void observe(int chosen, int misses, double kept, int tokens);

  /** Whether {@link #observe} does anything. */
  boolean adapts();

  /** What makes it adapt, if something does. */
  default Optional<ControllerState> controller() {
    return Optional.empty();
  }

  /** A strength that stays. */
  static Lambda fixed(float value) {
    return new Lambda() {
      @Override
      public float value() {
        return value;
      }

      @Override
      public void observe(int chosen, int misses, double kept, int tokens) {
        // It stays.
      }

      @Override
      public boolean adapts() {
        return false;
      }
    };
  }
}
