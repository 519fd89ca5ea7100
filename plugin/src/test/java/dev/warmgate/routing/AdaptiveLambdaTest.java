package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The controller against a made-up workload whose answer to λ is known. */
class AdaptiveLambdaTest {
  private static final int TOKENS = 40_000;
  private static final int TOP_K = 8;

  /** More bias: more hits, less mass; with the noise of single tokens. */
  private record Workload(double baseHitRate, double massPerLambda) {
    double hitRate(double lambda) {
      return baseHitRate + (1 - baseHitRate) * (1 - Math.exp(-5 * lambda));
    }

    double massKept(double lambda) {
      return Math.exp(-massPerLambda * lambda);
    }

    void token(Lambda lambda, Random random) {
      int misses = 0;
      for (int i = 0; i < TOP_K; i++) {
        misses += random.nextDouble() > hitRate(lambda.value()) ? 1 : 0;
      }
      double kept = massKept(lambda.value()) + 0.05 * random.nextGaussian();
      lambda.observe(TOP_K, misses, kept, 1);
    }
  }

  @ParameterizedTest
  @CsvSource({"0.5, 0.1, 0.8, 0.9", "0.3, 0.05, 0.7, 0.9", "0.6, 0.02, 0.95, 0.5"})
  void reachesTheHitRateWhereQualityAllows(double base, double loss, double target, double mass) {
    Workload workload = new Workload(base, loss);
    AdaptiveLambda lambda = settle(workload, target, mass, 1);
    assertEquals(target, workload.hitRate(lambda.value()), 0.03);
    assertTrue(workload.massKept(lambda.value()) >= mass - 0.01);
  }

  @ParameterizedTest
  @CsvSource({"0.3, 0.4, 0.95, 0.95", "0.2, 1, 0.99, 0.9"})
  void keepsTheMassWhateverTheHitRate(double base, double loss, double target, double mass) {
    Workload workload = new Workload(base, loss);
    AdaptiveLambda lambda = settle(workload, target, mass, 2);
    assertEquals(mass, workload.massKept(lambda.value()), 0.02);
    assertTrue(workload.hitRate(lambda.value()) < target);
  }

  @Test
  void staysWithinAFifthOnceSettled() {
    for (long seed = 0; seed < 10; seed++) {
      Workload workload = new Workload(0.5, 0.1);
      AdaptiveLambda lambda = settle(workload, 0.8, 0.9, seed);
      Random random = new Random(seed);
      double low = Double.MAX_VALUE;
      double high = 0;
      for (int token = 0; token < TOKENS; token++) {
        workload.token(lambda, random);
        low = Math.min(low, lambda.value());
        high = Math.max(high, lambda.value());
      }
      double middle = Math.sqrt(low * high);
      assertTrue(
          high <= 1.2 * middle && low >= 0.8 * middle,
          "seed %d: %f to %f".formatted(seed, low, high));
    }
  }

  /** As a text does: what is easy to hit comes and goes over some hundred tokens. */
  @Test
  void doesNotFollowTheSwingsOfAText() {
    AdaptiveLambda lambda = settle(new Workload(0.3, 0.02), 0.4, 0.9, 6);
    Random random = new Random(6);
    double low = Double.MAX_VALUE;
    double high = 0;
    for (int token = 0; token < TOKENS; token++) {
      new Workload(0.3 + 0.08 * Math.sin(token / 200.0), 0.02).token(lambda, random);
      low = Math.min(low, lambda.value());
      high = Math.max(high, lambda.value());
    }
    double middle = Math.sqrt(low * high);
    assertTrue(high <= 1.2 * middle && low >= 0.8 * middle, "%f to %f".formatted(low, high));
  }

  @Test
  void followsAChangingWorkload() {
    AdaptiveLambda lambda = new AdaptiveLambda(0.1f, 0.8, 0.9);
    Random random = new Random(3);
    for (double base : new double[] {0.5, 0.2, 0.7, 0.4}) {
      Workload workload = new Workload(base, 0.02);
      for (int token = 0; token < TOKENS; token++) {
        workload.token(lambda, random);
      }
      assertEquals(0.8, workload.hitRate(lambda.value()), 0.03, "base " + base);
    }
  }

  @Test
  void goesBackTowardsTheGateWhenAllIsResident() {
    AdaptiveLambda lambda = settle(new Workload(1, 0.1), 0.8, 0.9, 4);
    assertEquals(1e-3, lambda.value(), 1e-6);
    assertTrue(lambda.state().periods() > 0);
    assertEquals(1, lambda.state().hitRate());
  }

  private static AdaptiveLambda settle(Workload workload, double target, double mass, long seed) {
    AdaptiveLambda lambda = new AdaptiveLambda(0.1f, target, mass);
    Random random = new Random(seed);
    for (int token = 0; token < TOKENS; token++) {
      workload.token(lambda, random);
    }
    return lambda;
  }
}
