package dev.warmgate.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
  private static final float NAN = Float.NaN;
  private static final float INFINITE = Float.POSITIVE_INFINITY;

  @Test
  void greedyTakesTheHighestAndTheLowerIdOfATie() {
    assertEquals(2, greedy(1, 2, 3, 3));
    assertEquals(0, greedy(-5, -5));
    assertEquals(1, greedy(NAN, -1, NAN));
    assertEquals(1, greedy(0, INFINITE, INFINITE));
  }

  @Test
  void nothingFiniteIsAnError() {
    assertThrows(IllegalArgumentException.class, () -> greedy(NAN, -INFINITE));
    Sampler sampler = Sampler.of(new Sampling(1, 0.5, 1));
    assertThrows(IllegalArgumentException.class, () -> sampler.next(new float[] {NAN}));
  }

  private static int greedy(float... logits) {
    return Sampler.of(Sampling.GREEDY).next(logits);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "0.5,1", "1,0.9", "0.7,0.5", "3,0.99", "1,1e-9"})
  void drawsAsBruteForceDoes(double temperature, double topP) {
    for (long seed = 0; seed < 20; seed++) {
      SplittableRandom shapes = new SplittableRandom(seed);
      Sampler sampler = Sampler.of(new Sampling(temperature, topP, seed));
      SplittableRandom draws = new SplittableRandom(seed);
      int size = 1 + shapes.nextInt(70);
      for (int step = 0; step < 50; step++) {
        float[] logits = new float[size];
        for (int id = 0; id < size; id++) {
          logits[id] = (float) (shapes.nextInt(8) == 0 ? 1 : 3 * shapes.nextGaussian());
        }
        int expected = bruteForce(logits, temperature, topP, draws.nextDouble());
        assertEquals(expected, sampler.next(logits), "seed " + seed + ", step " + step);
      }
    }
  }

  /** Sorts everything, keeps what top-p keeps, and walks to the drawn point. */
  private static int bruteForce(float[] logits, double temperature, double topP, double drawn) {
    double highest = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElse(0);
    double[] weights =
        IntStream.range(0, logits.length)
            .mapToDouble(i -> Math.exp((logits[i] - highest) / temperature))
            .toArray();
    double total = 0;
    for (double weight : weights) {
      total += weight;
    }
    List<Integer> ids = IntStream.range(0, logits.length).boxed().toList();
    if (topP < 1) {
      ids = ids.stream().sorted(Comparator.comparing(id -> -weights[id])).toList();
    }
    double kept = 0;
    int count = 0;
    while (count < ids.size() && (count == 0 || kept < topP * total)) {
      kept += weights[ids.get(count++)];
    }
    double point = drawn * kept;
    for (int id : ids.subList(0, count)) {
      point -= weights[id];
      if (point < 0) {
        return id;
      }
    }
    return ids.get(count - 1);
  }

  @Test
  void impossibleTokensAreNeverDrawn() {
    Sampler sampler = Sampler.of(new Sampling(1, 1, 7));
    float[] logits = {-INFINITE, 0, NAN, 0, -INFINITE};
    for (int i = 0; i < 1000; i++) {
      int id = sampler.next(logits);
      assertEquals(1, id & 1, "id " + id);
    }
  }

  @Test
  void refusesNumbersThatMakeNoSense() {
    for (double temperature : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(IllegalArgumentException.class, () -> new Sampling(temperature, 1, 0));
    }
    for (double topP : new double[] {0, -0.1, 1.1, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> new Sampling(1, topP, 0));
    }
  }
}
