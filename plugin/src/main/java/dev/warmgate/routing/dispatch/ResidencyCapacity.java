package dev.warmgate.routing.dispatch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Capacities for a batch of a layer some of whose experts are resident. A resident expert takes any
 * row, since it costs nothing to reach. An absent one, which must be read first, takes a share of
 * what it would get if rows were spread evenly; more if otherwise the rows could not all be placed.
 *
 * <p>Whatever is resident, the capacities suffice: the sum of min(capacity, rows) is at least
 * rows·k, so that {@link CapacityDispatch} drops nothing unless logits of −∞ forbid experts.
 */
public final class ResidencyCapacity {
  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

  private ResidencyCapacity() {}

  /**
   * Computes the capacities of all experts.
   *
   * @param residents bit set of u64 words, bit e for expert e; read once
   * @param rows tokens of the batch, ≥ 0
   * @param fanOut k, experts a token
   * @param absentShare what an absent expert takes, in parts of an even spread, rows·k/E: 0 is
   *     nothing unless it is needed, 1 its fair share
   * @param capacities gets a capacity for each expert
   * @throws IllegalArgumentException if k exceeds the experts, the share is negative or NaN, or the
   *     bit set is too short
   */
  public static void fill(
      MemorySegment residents, int rows, int fanOut, double absentShare, int[] capacities) {
    int experts = capacities.length;
    if (rows < 0 || fanOut < 1 || fanOut > experts) {
      throw new IllegalArgumentException(
          "%d rows to %d of %d experts".formatted(rows, fanOut, experts));
    }
    if (!(absentShare >= 0)) {
      throw new IllegalArgumentException("share %s of absent experts".formatted(absentShare));
    }
    int words = (experts + 63) / 64;
    if (residents.byteSize() < (long) words * Long.BYTES) {
      throw new IllegalArgumentException(
          "%d bytes of residents for %d experts".formatted(residents.byteSize(), experts));
    }
    Arrays.fill(capacities, 0);
    int resident = 0;
    for (int word = 0; word < words; word++) {
      long bits = residents.get(WORD, (long) word * Long.BYTES);
      for (; bits != 0; bits &= bits - 1) {
        int expert = word * 64 + Long.numberOfTrailingZeros(bits);
        if (expert < experts) {
          capacities[expert] = rows;
          resident++;
        }
      }
    }
    int absent = absentCapacity(rows, fanOut, absentShare, experts, resident);
    for (int expert = 0; expert < experts; expert++) {
      // A resident expert's capacity is at least an absent one's: both are at most rows.
      capacities[expert] = Math.max(capacities[expert], absent);
    }
  }

  private static int absentCapacity(int rows, int fanOut, double share, int experts, int resident) {
    if (resident == experts) {
      return 0;
    }
    double wished = Math.ceil(share * rows * fanOut / experts);
    // With k residents and more, each row finds k experts among them.
    double needed = Math.ceil((double) rows * (fanOut - resident) / (experts - resident));
    return (int) Math.min(rows, Math.max(wished, needed));
  }
}
