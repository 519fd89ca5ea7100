package dev.warmgate.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class LogSoftmaxTest {
  private static final float NONE = Float.NEGATIVE_INFINITY;

  private static float[] random(Random random, int size, double scale) {
    float[] logits = new float[size];
    for (int i = 0; i < size; i++) {
      logits[i] = (float) (scale * random.nextGaussian());
    }
    return logits;
  }

  private static double plainTotal(float[] logits) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return Math.log(sum);
  }

  @Test
  void equalsTheDefinition() {
    Random random = new Random(3);
    for (int size : new int[] {1, 2, 1536, 200_000}) {
      float[] p = random(random, size, 3);
      float[] q = random(random, size, 3);
      double totalP = plainTotal(p);
      double totalQ = plainTotal(q);
      double divergence = 0;
      for (int id = 0; id < size; id++) {
        double logP = p[id] - totalP;
        divergence += Math.exp(logP) * (logP - (q[id] - totalQ));
      }
      int some = size / 2;
      assertEquals(p[some] - totalP, LogSoftmax.of(p, some), 1e-9, "size " + size);
      assertEquals(divergence, LogSoftmax.divergence(p, q), 1e-9, "size " + size);
      assertEquals(0, LogSoftmax.divergence(p, p), "size " + size);
    }
  }

  @Test
  void onlyDifferencesCount() {
    assertEquals(-Math.log(2), LogSoftmax.of(new float[] {3e38f, 3e38f}, 1), 1e-12);
    assertEquals(-Math.log(2), LogSoftmax.of(new float[] {-3e38f, -3e38f}, 0), 1e-12);
    assertEquals(0, LogSoftmax.of(new float[] {0, 1000}, 1), 1e-12);
    assertEquals(-1000, LogSoftmax.of(new float[] {0, 1000}, 0), 1e-9);
  }

  /** As samplers see it: what overflowed is chosen, and nothing else. */
  @Test
  void infiniteLogitsShareTheProbability() {
    float infinity = Float.POSITIVE_INFINITY;
    assertEquals(0, LogSoftmax.of(new float[] {1, infinity, Float.NaN}, 1));
    assertEquals(NONE, LogSoftmax.of(new float[] {1, infinity, Float.NaN}, 0));
    assertEquals(NONE, LogSoftmax.of(new float[] {1, infinity, Float.NaN}, 2));
    assertEquals(-Math.log(2), LogSoftmax.of(new float[] {infinity, 0, infinity}, 2), 1e-12);
    float[] one = {0, infinity};
    assertEquals(0, LogSoftmax.divergence(one, one));
    assertEquals(-NONE, LogSoftmax.divergence(one, new float[] {infinity, 0}));
    assertEquals(-NONE, LogSoftmax.divergence(new float[] {0, 0}, one));
    assertEquals(Math.log(2), LogSoftmax.divergence(one, new float[] {infinity, infinity}), 1e-12);
  }

  @Test
  void whatIsRuledOutHasNoProbability() {
    for (float none : new float[] {NONE, Float.NaN}) {
      float[] logits = {1, none, 1};
      assertEquals(NONE, LogSoftmax.of(logits, 1));
      assertEquals(-Math.log(2), LogSoftmax.of(logits, 2), 1e-12);
      assertEquals(0, LogSoftmax.divergence(logits, logits));
      float[] all = {1, 1, 1};
      assertEquals(Math.log(1.5), LogSoftmax.divergence(logits, all), 1e-12);
      assertTrue(Double.isInfinite(LogSoftmax.divergence(all, logits)));
    }
    float[] nothing = {NONE, Float.NaN};
    assertThrows(IllegalArgumentException.class, () -> LogSoftmax.of(nothing, 0));
  }
}
