package dev.warmgate.expert;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * How often a forecast is right, by the rank that it gave an expert: a running average, measured
 * whether or not the expert was read for it.
 *
 * <p>Shared by threads without a lock; an update that is lost in a race costs nothing.
 */
final class RankPrecision {
  /** What is believed before anything was measured: enough for some guesses to be tried. */
  private static final float PRIOR = 0.6f;

  private static final float RATE = 1 / 64f;

  private final AtomicIntegerArray averages;

  RankPrecision(int ranks) {
    averages = new AtomicIntegerArray(ranks);
    for (int rank = 0; rank < ranks; rank++) {
      averages.setPlain(rank, Float.floatToRawIntBits(PRIOR));
    }
  }

  /** The share of forecasts of that rank that were right lately. */
  float of(int rank) {
    return Float.intBitsToFloat(averages.getOpaque(rank));
  }

  /** Notes whether a forecast was right. */
  void observe(int rank, boolean right) {
    float before = of(rank);
    averages.setOpaque(rank, Float.floatToRawIntBits(before + RATE * ((right ? 1 : 0) - before)));
  }
}
