package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.Noise;
import java.util.stream.IntStream;

/**
 * Routes made up to be like recorded ones where no trace is given.
 *
 * <p>An expert's score is a sum of four normal parts: how popular it is; how well it suits the
 * text, whose theme drifts slowly; how well it suits the token, whose meaning lasts a little; and
 * chance. Theme and meaning are vectors that all layers share, so layers depend on each other. The
 * weights were chosen so that a cache of a quarter of the experts does as on decoding traces of a
 * model with 32 experts of which 4 run; hit rates there and (here): random .645 (.637), LRU .666
 * (.664), decayed LFU .695 (.695), Belady .779 (.780). Of a token's experts, .40 (.43) ran for the
 * token before; of a layer's, the 2k that followed the layer before most often hold .72 (.78).
 */
final class MadeUpRoutes {
  /** Tokens of a text. */
  private static final int TEXT = 400;

  private static final int DIMENSIONS = 6;
  private static final double POPULAR = 0.5;
  private static final double THEME = 0.55;
  private static final double MEANING = 0.65;
  private static final double CHANCE = 0.15;
  private static final double THEME_LASTS = 0.985;
  private static final double MEANING_LASTS = 0.2;

  private final int layers;
  private final int experts;
  private final Noise popularity;
  private final Noise chance;
  private final Noise walk;
  private final double[][] tastes;
  private final double[] theme = new double[DIMENSIONS];
  private final double[] meaning = new double[DIMENSIONS];

  private MadeUpRoutes(int layers, int experts, long seed) {
    this.layers = layers;
    this.experts = experts;
    popularity = new Noise(seed);
    chance = new Noise(seed + 1);
    walk = new Noise(seed + 2);
    Noise taste = new Noise(seed + 3);
    tastes = new double[layers * experts][DIMENSIONS];
    for (int i = 0; i < tastes.length; i++) {
      for (int d = 0; d < DIMENSIONS; d++) {
        tastes[i][d] = taste.normal((long) i * DIMENSIONS + d) / Math.sqrt(DIMENSIONS);
      }
    }
  }

  static Routes of(int layers, int experts, int topK, int tokens, long seed) {
    MadeUpRoutes made = new MadeUpRoutes(layers, experts, seed);
    short[] order = new short[Math.multiplyExact(tokens * layers, experts)];
    for (int token = 0; token < tokens; token++) {
      made.walk(token);
      for (int layer = 0; layer < layers; layer++) {
        made.rank(token, layer, order);
      }
    }
    return new Routes(layers, experts, topK, order);
  }

  private void walk(int token) {
    for (int d = 0; d < DIMENSIONS; d++) {
      long place = (long) token * 2 * DIMENSIONS + d;
      theme[d] = step(theme[d], token % TEXT == 0 ? 0 : THEME_LASTS, walk.normal(place));
      meaning[d] = step(meaning[d], MEANING_LASTS, walk.normal(place + DIMENSIONS));
    }
  }

  /** Of a walk that keeps a variance of 1. */
  private static double step(double before, double lasts, double news) {
    return lasts * before + Math.sqrt(1 - lasts * lasts) * news;
  }

  private void rank(int token, int layer, short[] order) {
    int first = layer * experts;
    double[] scores = new double[experts];
    for (int expert = 0; expert < experts; expert++) {
      double suits = 0;
      for (int d = 0; d < DIMENSIONS; d++) {
        suits += tastes[first + expert][d] * (THEME * theme[d] + MEANING * meaning[d]);
      }
      long place = (long) token * layers * experts + first + expert;
      scores[expert] =
          POPULAR * popularity.normal(first + expert) + suits + CHANCE * chance.normal(place);
    }
    int[] ranked =
        IntStream.range(0, experts)
            .boxed()
            .sorted((a, b) -> Double.compare(scores[b], scores[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int rank = 0; rank < experts; rank++) {
      order[(token * layers + layer) * experts + rank] = (short) ranked[rank];
    }
  }
}
