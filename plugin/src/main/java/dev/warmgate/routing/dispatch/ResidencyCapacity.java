package dev.warmgate.routing.dispatch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Capacities for a batch of a layer some of whose experts are resident. A resident expert takes any
 * row, since it costs nothing to reach. An absent one costs a read, however few rows it takes; so
 * it takes any row or none: the most wanted are let in, the others are not.
 *
 * <p>Whatever is resident, the capacities suffice: at least k experts take any row, so that {@link
 * CapacityDispatch} drops nothing unless logits of −∞ forbid experts.
 */
public final class ResidencyCapacity {
  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

  private ResidencyCapacity() {}

  /**
   * Computes the capacities of all experts. Takes time in proportion to experts × those let in.
   *
   * @param residents bit set of u64 words, bit e for expert e
   * @param rows tokens of the batch, ≥ 0
   * @param fanOut k, experts a token
   * @param wanted how many rows' own choice each expert is
   * @param absentShare which part of the absent experts that are wanted is let in, 0 to 1; more are
   *     if otherwise the rows could not all be placed
   * @param capacities gets a capacity for each expert: {@code rows} or 0
   * @throws IllegalArgumentException if k exceeds the experts, the share is not in 0..1, or a
   *     length does not fit
   */
  public static void fill(
      MemorySegment residents,
      int rows,
      int fanOut,
      int[] wanted,
      double absentShare,
      int[] capacities) {
    int experts = capacities.length;
    if (rows < 0 || fanOut < 1 || fanOut > experts || wanted.length != experts) {
      throw new IllegalArgumentException(
          "%d rows to %d of %d experts, %d wanted".formatted(rows, fanOut, experts, wanted.length));
    }
    if (!(absentShare >= 0 && absentShare <= 1)) {
      throw new IllegalArgumentException("share %s of absent experts".formatted(absentShare));
    }
    if (residents.byteSize() < (experts + 63L) / 64 * Long.BYTES) {
      throw new IllegalArgumentException(
          "%d bytes of residents for %d experts".formatted(residents.byteSize(), experts));
    }
    int open = 0;
    int wantedAbsent = 0;
    for (int expert = 0; expert < experts; expert++) {
      // Closed until said otherwise; −1 tells it from an expert that is closed for good.
      capacities[expert] = resident(residents, expert) ? rows : -1;
      if (capacities[expert] >= 0) {
        open++;
      } else if (wanted[expert] > 0) {
        wantedAbsent++;
      }
    }
    int letIn = Math.max((int) Math.ceil(absentShare * wantedAbsent), fanOut - open);
    for (; letIn > 0; letIn--) {
      capacities[mostWanted(wanted, capacities)] = rows;
    }
    for (int expert = 0; expert < experts; expert++) {
      capacities[expert] = Math.max(capacities[expert], 0);
    }
  }

  /** Of the experts that are still closed; the lower id among equals. */
  private static int mostWanted(int[] wanted, int[] capacities) {
    int best = -1;
    for (int expert = 0; expert < wanted.length; expert++) {
      if (capacities[expert] < 0 && (best < 0 || wanted[expert] > wanted[best])) {
        best = expert;
      }
    }
    return best;
  }

  private static boolean resident(MemorySegment words, int expert) {
    return (words.get(WORD, (long) (expert >>> 6) * Long.BYTES) >>> expert & 1) != 0;
  }
}
