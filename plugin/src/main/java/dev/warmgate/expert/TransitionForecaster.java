package dev.warmgate.expert;

import dev.warmgate.residency.prefetch.TransitionPredictor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Foresees by which experts usually follow those that a layer selected. For single tokens only: of
 * several, nearly every expert follows some other.
 */
final class TransitionForecaster implements Forecaster {
  /** So many times the experts that the layer selects are named. */
  private static final int CANDIDATES = 2;

  private final TransitionPredictor predictor;
  private final List<Integer> topK;
  private final int mostExperts;
  private final Pool<Probabilities> buffers;

  /**
   * Forecasts for a model.
   *
   * @param experts how many each layer has, in the order of their execution
   * @param topK of each layer
   */
  TransitionForecaster(List<Integer> experts, List<Integer> topK) {
    this.predictor = new TransitionPredictor(experts.stream().mapToInt(e -> e).toArray());
    this.topK = List.copyOf(topK);
    this.mostExperts = experts.stream().mapToInt(e -> e).max().orElseThrow();
    this.buffers = new Pool<>(() -> new Probabilities(mostExperts));
  }

  /** One forecast's probabilities, by expert. */
  private static final class Probabilities implements AutoCloseable {
    final float[] values;

    Probabilities(int experts) {
      values = new float[experts];
    }

    @Override
    public void close() {
      // Nothing native.
    }
  }

  @Override
  public int forecast(int layer, MemorySegment hidden, int tokens, Assignments chosen, int[] ids) {
    if (tokens != 1 || chosen.groups() == 0) {
      return 0;
    }
    Probabilities own = buffers.take();
    try {
      predictor.predict(layer, chosen.experts(), chosen.groups(), own.values);
      int most = Math.min(ids.length, CANDIDATES * topK.get(predictor.next(layer)));
      return Likeliest.take(own.values, most, ids);
    } finally {
      buffers.give(own);
    }
  }

  @Override
  public void learn(int layer, int[] before, int beforeCount, int tokens, Assignments chosen) {
    if (tokens == 1) {
      predictor.observe(layer, before, beforeCount, chosen.experts(), chosen.groups());
    }
  }

  @Override
  public void close() {
    buffers.close();
  }
}
