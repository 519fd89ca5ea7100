package dev.warmgate.expert;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Foresees by the next layer's own gate. */
final class GateForecaster implements Forecaster {
  /** The most tokens that a forecast looks at; of longer calls it looks at some, evenly spread. */
  static final int MAX_TOKENS = 16;

  /** For one token, so many times the experts that the layer selects are named. */
  private static final int CANDIDATES = 2;

  /** Below this a norm says nothing about what it was multiplied with. */
  private static final float LEAST_NORM = 1e-6f;

  private final List<Optional<Step>> steps = new ArrayList<>();

  /** From one layer to the next. */
  private record Step(GateLookahead next, Pool<Rows> rows) {}

  /**
   * Forecasts for a model.
   *
   * @param gates of the layers in the order of their execution; before one that isn't known nothing
   *     is foreseen
   * @param topK of each layer
   */
  GateForecaster(Kernels kernels, List<Optional<GateMatrix>> gates, List<Integer> topK) {
    for (int layer = 0; layer + 1 < gates.size(); layer++) {
      Optional<GateMatrix> here = gates.get(layer);
      Optional<GateMatrix> next = gates.get(layer + 1);
      boolean known =
          here.isPresent() && next.isPresent() && here.get().hidden() == next.get().hidden();
      steps.add(
          known
              ? Optional.of(step(kernels, here.get(), next.get(), CANDIDATES * topK.get(layer + 1)))
              : Optional.empty());
    }
    steps.add(Optional.empty());
  }

  private static Step step(Kernels kernels, GateMatrix here, GateMatrix next, int candidates) {
    float[] inverse = new float[here.hidden()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = Math.abs(here.norm(i)) < LEAST_NORM ? 1 : 1 / here.norm(i);
    }
    return new Step(
        new GateLookahead(kernels, next, candidates), new Pool<>(() -> new Rows(inverse)));
  }

  @Override
  public boolean knows(int layer) {
    return steps.get(layer).isPresent();
  }

  @Override
  public int forecast(int layer, MemorySegment hidden, int tokens, Assignments chosen, int[] ids) {
    Optional<Step> step = steps.get(layer);
    if (step.isEmpty()) {
      return 0;
    }
    Pool<Rows> pool = step.get().rows();
    Rows rows = pool.take();
    try {
      int sampled = rows.unscale(hidden, tokens);
      return step.get().next().forecast(rows.memory(), sampled, ids);
    } finally {
      pool.give(rows);
    }
  }

  @Override
  public void close() {
    for (Optional<Step> step : steps) {
      step.ifPresent(
          known -> {
            known.next().close();
            known.rows().close();
          });
    }
  }

  /** Hidden states of some tokens, without the scale that their layer's norm gave them. */
  private static final class Rows implements AutoCloseable {
    private final int hidden;
    private final float[] inverseNorm;
    private final NativeMemory.Block block;

    Rows(float[] inverseNorm) {
      this.hidden = inverseNorm.length;
      this.inverseNorm = inverseNorm;
      this.block = NativeMemory.allocate((long) MAX_TOKENS * hidden * Float.BYTES);
    }

    MemorySegment memory() {
      return block.memory();
    }

    /** Takes some of the tokens; returns how many. */
    int unscale(MemorySegment states, int tokens) {
      int sampled = Math.min(tokens, MAX_TOKENS);
      for (int row = 0; row < sampled; row++) {
        long from = (long) row * tokens / sampled * hidden;
        long to = (long) row * hidden;
        for (int i = 0; i < hidden; i++) {
          float value = states.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (from + i) * Float.BYTES);
          block.memory().setAtIndex(ValueLayout.JAVA_FLOAT, to + i, value * inverseNorm[i]);
        }
      }
      return sampled;
    }

    @Override
    public void close() {
      block.close();
    }
  }
}
