package dev.warmgate.hwdetect;

import dev.warmgate.kernels.Tier;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the user asks for instead of the plan's own choice.
 *
 * @param tier option {@code tier}; may only lower what the machine offers
 * @param threads option {@code threads}
 * @param ioThreads option {@code io_threads}
 */
public record PlanRequest(Optional<Tier> tier, OptionalInt threads, OptionalInt ioThreads) {

  private static final PlanRequest NONE =
      new PlanRequest(Optional.empty(), OptionalInt.empty(), OptionalInt.empty());

  /** Nothing is asked for. */
  public static PlanRequest none() {
    return NONE;
  }
}
