package dev.warmgate.routing.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.kernels.Ties;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A batch to dispatch. */
final class DispatchCase {
  private final float[] logits;
  private final int rows;
  private final int targets;
  private final int fanOut;
  private final int[] capacities;

  DispatchCase(float[] logits, int rows, int targets, int fanOut, int[] capacities) {
    this.logits = logits;
    this.rows = rows;
    this.targets = targets;
    this.fanOut = fanOut;
    this.capacities = capacities;
  }

  int rows() {
    return rows;
  }

  int targets() {
    return targets;
  }

  int fanOut() {
    return fanOut;
  }

  long slots() {
    return (long) rows * fanOut;
  }

  int[] capacities() {
    return capacities;
  }

  int[] dispatch() {
    return dispatch(new CapacityDispatch(targets, fanOut, Ties.LOWER_ID));
  }

  int[] dispatch(CapacityDispatch dispatch) {
    int[] ids = new int[rows * fanOut];
    Arrays.fill(ids, 77);
    int placed =
        dispatch.dispatch(
            MemorySegment.ofArray(logits), rows, capacities, MemorySegment.ofArray(ids));
    assertEquals(Arrays.stream(ids).filter(id -> id >= 0).count(), placed, this::toString);
    return ids;
  }

  float logit(int row, int target) {
    return logits[row * targets + target];
  }

  boolean forbidden(int row, int target) {
    return !(logit(row, target) > Float.NEGATIVE_INFINITY);
  }

  /** Shares of each row's softmax, -1 where forbidden. */
  double[][] mass() {
    double[][] mass = new double[rows][targets];
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      for (int t = 0; t < targets; t++) {
        sum += forbidden(r, t) ? 0 : Math.exp(logit(r, t));
      }
      for (int t = 0; t < targets; t++) {
        mass[r][t] = forbidden(r, t) ? -1 : Math.exp(logit(r, t)) / sum;
      }
    }
    return mass;
  }

  @Override
  public String toString() {
    return "rows %d, targets %d, fan-out %d, capacities %s, logits %s"
        .formatted(rows, targets, fanOut, Arrays.toString(capacities), Arrays.toString(logits));
  }
}
