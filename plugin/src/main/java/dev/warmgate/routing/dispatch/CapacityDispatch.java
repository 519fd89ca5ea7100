package dev.warmgate.routing.dispatch;

import dev.warmgate.kernels.Ties;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Gives each row of a batch its k best targets that have room: capacities are never overrun, the
 * gate is followed as far as they allow, and no place stays empty while one can be filled.
 *
 * <p>The k places of all rows can be filled, if every logit is finite, exactly when the sum over
 * the targets of min(capacity, rows) is at least rows·k: a target takes a row once, so what it
 * could take beyond the number of rows is no capacity. Otherwise, or where logits of −∞ or NaN
 * forbid targets, as many places are filled as any method could fill.
 *
 * <p>How: deferred acceptance. Each row asks its targets from the best logit down; a full target
 * keeps the rows for which it has the greater share of their softmax, and the one that it turns
 * away asks on. The result is the one matching in which no row and target would both rather have
 * each other; it is the same as going through all pairs from the greatest share down and taking
 * each that fits. What is left over then goes by augmenting paths. Where capacity is ample the
 * result is the k best of each row, as the operator itself selects them.
 *
 * <p>Combine weights are the caller's to compute, from the original logits. An instance serves one
 * call at a time; its workspace grows to the largest batch and is then reused.
 */
public final class CapacityDispatch {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final int targets;
  private final int fanOut;
  private final GateOrder order;
  private final Placement placement;
  private final TargetHeaps heaps;
  private final Augmenter augmenter;
  private final long[] rowKeys;

  /** The score of the least wanted row of each full target; it only rises. */
  private final float[] thresholds;

  /**
   * A dispatch for one layer.
   *
   * @param targets E, how many there are
   * @param fanOut k, targets a row
   * @param ties which of two equal logits of a row is the better
   * @throws IllegalArgumentException unless 1 ≤ k ≤ E
   */
  public CapacityDispatch(int targets, int fanOut, Ties ties) {
    if (fanOut < 1 || fanOut > targets) {
      throw new IllegalArgumentException("%d of %d targets a row".formatted(fanOut, targets));
    }
    this.targets = targets;
    this.fanOut = fanOut;
    order = new GateOrder(targets, fanOut, ties);
    placement = new Placement(targets, fanOut);
    heaps = new TargetHeaps(targets);
    augmenter = new Augmenter(targets);
    rowKeys = new long[fanOut];
    thresholds = new float[targets];
  }

  /**
   * Dispatches a batch.
   *
   * @param logits {@code f32[rows, targets]}
   * @param rows how many, ≥ 0
   * @param capacities of each target, how many rows it takes at most, ≥ 0
   * @param ids gets {@code i32[rows, k]}, a row's best logit first, −1 where a place stays empty
   * @return how many places were filled: rows·k unless capacity or finite logits don't suffice
   * @throws IllegalArgumentException if a length does not fit or a capacity is negative
   */
  public int dispatch(MemorySegment logits, int rows, int[] capacities, MemorySegment ids) {
    check(logits, rows, capacities, ids);
    placement.begin(rows, capacities);
    heaps.begin(placement.slots());
    for (int target = 0; target < targets; target++) {
      thresholds[target] =
          placement.takesAny(target) ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
    }
    order.begin(logits, rows, thresholds);
    for (int slot = 0; slot < placement.slots(); slot++) {
      settle(slot);
    }
    augmenter.run(order, placement);
    write(ids);
    order.end();
    return placement.placed();
  }

  /** Lets a slot ask until it is taken, and then the one that was turned away for it, and so on. */
  private void settle(int slot) {
    int asking = slot;
    int row = placement.row(asking);
    for (long key = order.next(row); key != GateOrder.NONE; key = order.next(row)) {
      int target = order.target(key);
      float score = order.score(row, key);
      if (placement.hasRoom(target)) {
        put(asking, key, target, score);
        return;
      }
      if (!heaps.wantsLess(target, asking, score)) {
        int turnedAway = heaps.top(target);
        heaps.pop(target);
        placement.take(turnedAway, target);
        put(asking, key, target, score);
        asking = turnedAway;
        row = placement.row(asking);
      }
    }
  }

  private void put(int slot, long key, int target, float score) {
    placement.put(slot, key, target);
    heaps.push(target, slot, score);
    if (!placement.hasRoom(target)) {
      thresholds[target] = heaps.leastScore(target);
    }
  }

  private void write(MemorySegment ids) {
    for (int row = 0; row < placement.rows(); row++) {
      int first = placement.firstSlot(row);
      for (int i = 0; i < fanOut; i++) {
        rowKeys[i] = placement.key(first + i);
      }
      Arrays.sort(rowKeys);
      for (int i = 0; i < fanOut; i++) {
        long key = rowKeys[fanOut - 1 - i];
        int id = key == GateOrder.NONE ? -1 : order.target(key);
        ids.set(INT, (first + (long) i) * Integer.BYTES, id);
      }
    }
  }

  private void check(MemorySegment logits, int rows, int[] capacities, MemorySegment ids) {
    if (rows < 0 || (long) rows * Math.max(targets, fanOut) > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException("%d rows of %d targets".formatted(rows, targets));
    }
    if (logits.byteSize() < (long) rows * targets * Float.BYTES) {
      throw new IllegalArgumentException(
          "logits have %d bytes, %d rows of %d need more"
              .formatted(logits.byteSize(), rows, targets));
    }
    if (ids.byteSize() < (long) rows * fanOut * Integer.BYTES) {
      throw new IllegalArgumentException(
          "ids have %d bytes, %d rows of %d need more".formatted(ids.byteSize(), rows, fanOut));
    }
    if (capacities.length != targets) {
      throw new IllegalArgumentException(
          "%d capacities, not %d".formatted(capacities.length, targets));
    }
    for (int target = 0; target < targets; target++) {
      if (capacities[target] < 0) {
        throw new IllegalArgumentException(
            "capacity %d of target %d is negative".formatted(capacities[target], target));
      }
    }
  }
}
