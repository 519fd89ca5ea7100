package dev.warmgate.routing.dispatch;

import dev.warmgate.kernels.Ties;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Each row's targets from the best gate logit down, found a few at a time, since most rows never
 * ask for more than their first few. Equal logits go by the operator's rule for ties; −∞ and NaN
 * are no targets at all. Not thread-safe.
 *
 * <p>A target of a row is handled as a key: the logit in an order-preserving integer form in the
 * upper half, the rule for ties and the id in the lower half. Greater keys are preferred.
 */
final class GateOrder {
  /** No target is left, or none was chosen. */
  static final long NONE = Long.MIN_VALUE;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Beyond the fan-out, so many a row are found at once. */
  private static final int SPARE = 4;

  private final int targets;
  private final int chunk;

  /** Added to the id, under exclusive or: higher ids first or lower ids first. */
  private final int tieMask;

  private final float[] row;
  private MemorySegment logits = MemorySegment.NULL;
  private float[] thresholds = new float[0];

  // By row: its next targets, how many of them there are, how many it has taken.
  private long[] keys = new long[0];
  private int[] found = new int[0];
  private int[] taken = new int[0];
  private float[] logSum = new float[0];

  GateOrder(int targets, int fanOut, Ties ties) {
    this.targets = targets;
    chunk = Math.min(targets, fanOut + SPARE);
    tieMask = ties == Ties.LOWER_ID ? Integer.MAX_VALUE : 0;
    row = new float[targets];
  }

  /**
   * Begins a call.
   *
   * @param gateLogits {@code f32[rows, targets]}, which stay as they are until the end
   * @param leastScores what a row's score for each target must at least be for the target to be
   *     worth asking: −∞ or ∞ now, rising until the end
   */
  void begin(MemorySegment gateLogits, int rows, float[] leastScores) {
    logits = gateLogits;
    thresholds = leastScores;
    if (rows > found.length) {
      keys = new long[Math.multiplyExact(rows, chunk)];
      found = new int[rows];
      taken = new int[rows];
      logSum = new float[rows];
    }
    for (int r = 0; r < rows; r++) {
      load(r);
      logSum[r] = 0; // thresholds are infinite yet
      find(r, Long.MAX_VALUE);
      logSum[r] = LogSumExp.of(row);
    }
  }

  /** Forgets the logits. */
  void end() {
    logits = MemorySegment.NULL;
  }

  /** The row's next target that is worth asking, as a key; {@link #NONE} after the last. */
  long next(int r) {
    if (taken[r] == found[r]) {
      if (found[r] < chunk) {
        return NONE;
      }
      load(r);
      find(r, keys[r * chunk + chunk - 1]);
      if (found[r] == 0) {
        return NONE;
      }
    }
    return keys[r * chunk + taken[r]++];
  }

  /** The key of one target for a row, {@link #NONE} if its logit is −∞ or NaN. */
  long key(int r, int target) {
    return key(target, logits.get(FLOAT, ((long) r * targets + target) * Float.BYTES));
  }

  int target(long key) {
    return (int) key ^ tieMask;
  }

  /** The log of a target's share of the row's softmax: what rows are compared by. */
  float score(int r, long key) {
    return logit(key) - logSum[r];
  }

  private static float logit(long key) {
    int order = (int) (key >> 32);
    return Float.intBitsToFloat(order ^ ((order >> 31) & Integer.MAX_VALUE));
  }

  private long key(int target, float logit) {
    if (!(logit > Float.NEGATIVE_INFINITY)) {
      return NONE;
    }
    // Adding 0 makes a plain zero of a negative one; infinity would have no softmax.
    int bits = Float.floatToRawIntBits(Math.min(logit, Float.MAX_VALUE) + 0.0f);
    int order = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return ((long) order << 32) | (target ^ tieMask);
  }

  private void load(int r) {
    MemorySegment.copy(logits, FLOAT, (long) r * targets * Float.BYTES, row, 0, targets);
  }

  /** Finds the best keys below a bound in the loaded row, in falling order, worth asking yet. */
  private void find(int r, long bound) {
    int base = r * chunk;
    int count = 0;
    float least = Float.NEGATIVE_INFINITY;
    for (int target = 0; target < targets; target++) {
      float logit = row[target];
      if (!(logit >= least)) {
        continue; // the common case in a long row; NaN, too
      }
      long key = key(target, logit);
      boolean full = count == chunk;
      if (key >= bound
          || key == NONE
          || logit - logSum[r] < thresholds[target]
          || (full && key < keys[base + chunk - 1])) {
        continue;
      }
      int i = base + (full ? chunk - 1 : count++);
      for (; i > base && keys[i - 1] < key; i--) {
        keys[i] = keys[i - 1];
      }
      keys[i] = key;
      if (count == chunk) {
        least = logit(keys[base + chunk - 1]);
      }
    }
    found[r] = count;
    taken[r] = 0;
  }
}
