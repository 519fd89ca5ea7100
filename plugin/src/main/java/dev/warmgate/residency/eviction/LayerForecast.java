package dev.warmgate.residency.eviction;

import java.util.Arrays;

/**
 * What is learned of one layer: how its experts' near future departs from their frequency, given
 * which ran just now, here and in the layer before.
 *
 * <p>A prediction is the frequency plus two {@linkplain SelectionMean learned means}. The next call
 * shows what the last prediction should have been, up to what it predicts itself, and the weights
 * move by a part of the difference: temporal-difference learning, TD(0), of a linear function
 * (Sutton and Barto, Reinforcement Learning, chapter 9), with steps along the gradient, of a length
 * that doesn't depend on how many experts are selected. Where selections of many sizes share
 * experts, that alone may diverge; so a prediction that is learned from is cut to −1..1.
 *
 * <p>For one thread at a time, but for {@link #correction} and {@link #ran}.
 */
final class LayerForecast {
  /** β: the near future is about ten calls, as long as an expert stays in a small cache. */
  private static final float FUTURE = 0.9f;

  /** Which part of an error each of the two means takes over, if they are over as many weights. */
  private static final float RATE = 0.02f;

  /** A share of the future is at most 1. Below 0 there is room for errors, which even out. */
  private static final float MOST = 1;

  private final SelectionMean afterOwn;
  private final SelectionMean afterPrevious;
  private final Selected ran;
  private final Selected now;
  private final Selected previousRan;
  private final Selected previousNow;
  private final float[] frequencies;
  private final float[] corrections;
  private final float[] predicted;
  private final float[] next;
  private final float[] errors;

  /**
   * @param experts how many the layer has
   * @param previousExperts how many the layer before has
   */
  LayerForecast(int experts, int previousExperts) {
    afterOwn = new SelectionMean(experts, experts);
    afterPrevious = new SelectionMean(previousExperts, experts);
    ran = new Selected(experts);
    now = new Selected(experts);
    previousRan = new Selected(previousExperts);
    previousNow = new Selected(previousExperts);
    frequencies = new float[experts];
    corrections = new float[experts];
    predicted = new float[experts];
    next = new float[experts];
    errors = new float[experts];
  }

  /** Where {@link #learn} expects the frequencies of all experts, the call included. */
  float[] frequencies() {
    return frequencies;
  }

  /** What to add to an expert's frequency. Any thread may ask; it gets a recent value. */
  float correction(int expert) {
    return corrections[expert];
  }

  /** The last selection. */
  Selected ran() {
    return ran;
  }

  /**
   * Learns from a call of the layer.
   *
   * @param experts that it ran, distinct
   * @param count how many of them are meant
   * @param previous what the layer before ran last
   */
  void learn(int[] experts, int count, Selected previous) {
    now.set(experts, count);
    previousNow.set(previous);
    Arrays.fill(next, 0);
    afterOwn.addTo(next, now);
    afterPrevious.addTo(next, previousNow);
    for (int expert = 0; expert < next.length; expert++) {
      float prediction = frequencies[expert] + next[expert];
      // Learned from without bounds, predictions could drive each other up.
      errors[expert] = FUTURE * Math.clamp(prediction, -MOST, MOST) - predicted[expert];
      corrections[expert] = next[expert];
      predicted[expert] = prediction;
    }
    for (int i = 0; i < count; i++) {
      errors[experts[i]] += 1 - FUTURE;
    }
    // A mean's gradient goes by one over the count. Before the first call nothing moves.
    float step = 2 * RATE / (ran.count() + previousRan.count());
    afterOwn.move(ran, errors, step * previousRan.count());
    afterPrevious.move(previousRan, errors, step * ran.count());
    ran.set(now);
    previousRan.set(previousNow);
  }
}
