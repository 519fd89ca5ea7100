package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;

/** One route with all outputs, on guarded memory at random addresses. */
final class RouteCall implements AutoCloseable {
  private final Kernels kernels;
  private final RoutePlan plan;
  private final Random random;
  private GuardedMemory memory;
  MemorySegment ids;
  MemorySegment weights;
  private MemorySegment displaced;
  private MemorySegment kept;
  private MemorySegment misses;

  RouteCall(Kernels kernels, RoutePlan plan, Random random) {
    this.kernels = kernels;
    this.plan = plan;
    this.random = random;
    memory = new GuardedMemory(random.nextInt(4));
  }

  /** Routes; checks that the extras change nothing. */
  int run(float[][] rows, BitSet residents, float lambda) {
    memory.close();
    memory = new GuardedMemory(random.nextInt(4));
    float[] flat = new float[rows.length * plan.experts()];
    for (int t = 0; t < rows.length; t++) {
      System.arraycopy(rows[t], 0, flat, t * plan.experts(), plan.experts());
    }
    MemorySegment logits = memory.floats(flat);
    long[] words = Arrays.copyOf(residents.toLongArray(), (plan.experts() + 63) / 64);
    boolean absent = residents.isEmpty() && random.nextBoolean();
    MemorySegment mask = absent ? MemorySegment.NULL : memory.longs(words);
    long slots = 4L * rows.length * plan.topK();
    ids = memory.allocate(slots);
    weights = memory.allocate(slots);
    displaced = memory.allocate(slots);
    kept = memory.allocate(4L * rows.length);
    misses = memory.allocate(4L * rows.length);
    float range = plan.range();
    int bad =
        kernels.route(
            plan,
            lambda,
            logits,
            rows.length,
            mask,
            ids,
            weights,
            new RouteExtras(displaced, kept, misses));
    float learnt = plan.range();
    MemorySegment sameIds = memory.allocate(slots);
    MemorySegment sameWeights = memory.allocate(slots);
    plan.sharedRange().set(range);
    int again =
        kernels.route(
            plan, lambda, logits, rows.length, mask, sameIds, sameWeights, RouteExtras.NONE);
    if (again != bad || Float.compare(plan.range(), learnt) != 0) {
      throw new AssertionError("extras change the result: " + bad + " and " + again);
    }
    if (bad == -1 && (ids.mismatch(sameIds) != -1 || weights.mismatch(sameWeights) != -1)) {
      throw new AssertionError("extras change the route");
    }
    return bad;
  }

  int[] ids(int token) {
    return row(ids, token);
  }

  int[] displaced(int token) {
    return row(displaced, token);
  }

  float weight(int token, int i) {
    return weights.get(JAVA_FLOAT_UNALIGNED, 4L * ((long) token * plan.topK() + i));
  }

  float kept(int token) {
    return kept.get(JAVA_FLOAT_UNALIGNED, 4L * token);
  }

  int misses(int token) {
    return misses.get(JAVA_INT_UNALIGNED, 4L * token);
  }

  private int[] row(MemorySegment segment, int token) {
    long bytes = 4L * plan.topK();
    return segment.asSlice(token * bytes, bytes).toArray(JAVA_INT_UNALIGNED);
  }

  @Override
  public void close() {
    memory.close();
  }
}
