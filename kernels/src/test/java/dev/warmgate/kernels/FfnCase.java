package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A random layer and its input, and a way to run it: every buffer in front of a guard page, in
 * waves and parts as asked.
 */
final class FfnCase {
  final FfnShape shape;
  final int experts;
  final int tokens;
  final int topK;
  final long seed;
  private final float[] x;
  private final float[] gateWeights;
  private final List<float[][]> weights = new ArrayList<>();
  private final List<List<Integer>> assignments = new ArrayList<>();

  /** What a run wrote. */
  static final class Result {
    private final float[] inner;
    private final float[] partial;
    private final float[] out;

    private Result(MemorySegment inner, MemorySegment partial, MemorySegment out) {
      this.inner = inner.toArray(JAVA_FLOAT_UNALIGNED);
      this.partial = partial.toArray(JAVA_FLOAT_UNALIGNED);
      this.out = out.toArray(JAVA_FLOAT_UNALIGNED);
    }

    float[] inner() {
      return inner;
    }

    float[] partial() {
      return partial;
    }

    float[] out() {
      return out;
    }
  }

  FfnCase(FfnShape shape, int experts, int tokens, int topK, boolean bias, long seed) {
    this.shape = shape;
    this.experts = experts;
    this.tokens = tokens;
    this.topK = topK;
    this.seed = seed;
    Random random = new Random(seed);
    x = gaussians(random, tokens * shape.hidden(), 1);
    gateWeights = new float[tokens * topK];
    for (int e = 0; e < experts; e++) {
      double scale1 = 1 / Math.sqrt(shape.hidden());
      double scale2 = 1 / Math.sqrt(shape.inner());
      weights.add(
          new float[][] {
            gaussians(random, shape.rows1() * shape.hidden(), scale1),
            bias ? gaussians(random, shape.rows1(), 1) : null,
            gaussians(random, shape.hidden() * shape.inner(), scale2),
            bias ? gaussians(random, shape.hidden(), 1) : null
          });
      assignments.add(new ArrayList<>());
    }
    List<Integer> ids = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      ids.add(e);
    }
    for (int t = 0; t < tokens; t++) {
      Collections.shuffle(ids, random);
      for (int rank = 0; rank < topK; rank++) {
        int a = t * topK + rank;
        // Where there are several, some are not served: weight 0, and no expert.
        if (topK == 1 || random.nextInt(8) != 0) {
          gateWeights[a] = random.nextFloat();
          assignments.get(ids.get(rank)).add(a);
        }
      }
    }
  }

  private static float[] gaussians(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return values;
  }

  /** Replaces the input, for tests with chosen values. */
  FfnCase withInput(float... values) {
    System.arraycopy(values, 0, x, 0, x.length);
    return this;
  }

  /** Replaces an expert's weights, for tests with chosen values. */
  FfnCase withWeights(int expert, float[] fc1, float[] bias1, float[] fc2, float[] bias2) {
    weights.set(expert, new float[][] {fc1, bias1, fc2, bias2});
    return this;
  }

  Result run(Kernels kernels) {
    return run(kernels, 1, 1, 0, false);
  }

  /**
   * Runs all steps.
   *
   * @param parts of each step
   * @param waves how many waves the experts come in
   * @param gap of the guarded buffers
   * @param single each assignment as an expert entry of its own, so that tokens are never grouped
   */
  Result run(Kernels kernels, int parts, int waves, int gap, boolean single) {
    try (GuardedMemory memory = new GuardedMemory(gap);
        FfnBatch batch = new FfnBatch(shape, Math.max(1, single ? tokens * topK : experts))) {
      MemorySegment inner = memory.allocate(4L * tokens * topK * shape.inner());
      MemorySegment partial = memory.allocate(4L * tokens * topK * shape.hidden());
      MemorySegment out = memory.allocate(4L * tokens * shape.hidden());
      batch.begin(
          tokens, topK, memory.floats(x), inner, partial, memory.floats(gateWeights), out, parts);
      for (int wave = 0; wave < waves; wave++) {
        batch.clearExperts();
        for (int e = wave; e < experts; e += waves) {
          add(batch, memory, e, single);
        }
        runParts(kernels, Step.UP, batch);
        runParts(kernels, Step.DOWN, batch);
      }
      runParts(kernels, Step.COMBINE, batch);
      return new Result(inner, partial, out);
    }
  }

  private void add(FfnBatch batch, GuardedMemory memory, int expert, boolean single) {
    float[][] w = weights.get(expert);
    List<Integer> mine = assignments.get(expert);
    if (mine.isEmpty()) {
      return;
    }
    ExpertWeights segments =
        new ExpertWeights(
            memory.floats(w[0]),
            w[1] == null ? MemorySegment.NULL : memory.floats(w[1]),
            memory.floats(w[2]),
            w[3] == null ? MemorySegment.NULL : memory.floats(w[3]));
    if (single) {
      mine.forEach(a -> batch.add(segments, memory.ints(a), 1));
    } else {
      int[] ids = mine.stream().mapToInt(Integer::intValue).toArray();
      batch.add(segments, memory.ints(ids), ids.length);
    }
  }

  private static void runParts(Kernels kernels, Step step, FfnBatch batch) {
    // From the last to the first: the order of parts must not matter.
    for (int part = batch.parts() - 1; part >= 0; part--) {
      kernels.run(step, batch, part);
    }
  }

  @Override
  public String toString() {
    return shape + ", experts " + experts + ", tokens " + tokens + ", k " + topK + ", seed " + seed;
  }
}
