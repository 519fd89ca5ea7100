package dev.warmgate.residency.eviction;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * How often an expert will run soon, learned while the model runs: its recent frequency, corrected
 * by which experts ran just now.
 *
 * <p>What is predicted for an expert at each call of its layer is {@code Σ (1 − β) βᶜ uᶜ}, where
 * {@code uᶜ} says whether it runs in the c-th call after this one: its share of the near future.
 * The prediction is a mixture of two decayed frequencies plus what {@link LayerForecast} has
 * learned of the experts that ran in this call, and in that of the layer before. Untrained, it is
 * the frequencies alone.
 *
 * <p>One thread at a time learns from a layer; who finds it learning leaves its call to the
 * frequencies. Threads that execute different sequences teach each other's transitions to each
 * other: these are predicted less well then, as they should be, since the cache is common to them.
 *
 * <p>Memory: two weights for each pair of experts in a layer; 8 KiB a layer of 32, 512 KiB of 256.
 */
final class LearnedWorth implements EvictionPolicy {
  // The decays and their parts: least squares of the near future on frequencies of many decays, on
  // one half of a trace of decoding.
  private static final double FAST = 0.85;
  private static final double SLOW = 0.985;
  private static final float FAST_PART = 0.35f * (float) (1 - FAST);
  private static final float SLOW_PART = 0.6f * (float) (1 - SLOW);

  /** What is left of a frequency at least: no correction makes worthless what ran. */
  private static final float LEAST = 1e-3f;

  private final DecayedLfu fast;
  private final DecayedLfu slow;
  private final LayerForecast[] forecasts;
  private final AtomicIntegerArray learning;

  LearnedWorth(ExpertIndex index) {
    fast = new DecayedLfu(index, FAST);
    slow = new DecayedLfu(index, SLOW);
    forecasts = new LayerForecast[index.layers()];
    learning = new AtomicIntegerArray(forecasts.length);
    for (int layer = 0; layer < forecasts.length; layer++) {
      forecasts[layer] = new LayerForecast(index.experts(layer), index.experts(before(layer)));
    }
  }

  @Override
  public void used(int layer, int[] experts, int count) {
    fast.used(layer, experts, count);
    slow.used(layer, experts, count);
    if (learning.compareAndSet(layer, 0, 1)) {
      LayerForecast forecast = forecasts[layer];
      float[] frequencies = forecast.frequencies();
      for (int expert = 0; expert < frequencies.length; expert++) {
        frequencies[expert] = frequency(layer, expert);
      }
      forecast.learn(experts, count, forecasts[before(layer)].ran());
      learning.set(layer, 0);
    }
  }

  @Override
  public float worth(int layer, int expert) {
    float frequency = frequency(layer, expert);
    return Math.max(frequency + forecasts[layer].correction(expert), LEAST * frequency);
  }

  private float frequency(int layer, int expert) {
    return FAST_PART * fast.worth(layer, expert) + SLOW_PART * slow.worth(layer, expert);
  }

  /** The layer whose call came just before; of the first one the last, of the token before. */
  private int before(int layer) {
    return layer == 0 ? forecasts.length - 1 : layer - 1;
  }
}
