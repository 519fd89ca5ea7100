package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;

/**
 * What a route tells beyond ids and weights; {@link MemorySegment#NULL} where it isn't wanted.
 * Asking for {@code displaced} or {@code kept} makes the model's own choice be computed as well.
 *
 * @param displaced out: {@code i32[T·k]}, what the model chose and the route didn't, best first, −1
 *     beyond
 * @param kept out: {@code f32[T]}, the share of the model's own choice's gate mass that the route
 *     has, {@code Σ exp(z)} over the route / over the model's choice; 1 for a lossless route
 * @param misses out: {@code i32[T]}, how many of the chosen aren't resident
 */
public record RouteExtras(MemorySegment displaced, MemorySegment kept, MemorySegment misses) {
  /** Nothing beyond ids and weights. */
  public static final RouteExtras NONE =
      new RouteExtras(MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL);

  /** Quicker than to look at each; another record of nulls is no error, and takes the long way. */
  @SuppressWarnings("ReferenceEquality")
  boolean isNone() {
    return this == NONE;
  }
}
