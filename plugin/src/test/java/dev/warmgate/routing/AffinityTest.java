package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AffinityTest {
  private static final int EXPERTS = 37;

  @ParameterizedTest
  @ValueSource(ints = {1, 10, 1_000, 5_000})
  void equalsDecayingEveryValueForEachToken(int tokens) {
    long seed = 17L + tokens;
    Random random = new Random(seed);
    Affinity affinity = new Affinity(EXPERTS, 0.97f, 0.4f, 1.5f);
    double[] expected = new double[EXPERTS];
    long[] counts = new long[EXPERTS];
    for (int token = 0; token < tokens; token++) {
      long number = affinity.nextToken();
      for (int e = 0; e < EXPERTS; e++) {
        expected[e] *= 0.97;
      }
      for (int i = 0; i < 3; i++) {
        // A skewed choice, so that some are wanted very rarely.
        int expert = (int) (EXPERTS * Math.pow(random.nextDouble(), 3));
        affinity.want(expert, number);
        expected[expert] = Math.min(expected[expert] + 0.4, 1.5);
        counts[expert]++;
      }
    }
    for (int e = 0; e < EXPERTS; e++) {
      assertEquals(expected[e], affinity.value(e), 1e-4, "seed " + seed + ", expert " + e);
      assertEquals(counts[e], affinity.count(e));
    }
    assertEquals(tokens, affinity.tokens());
  }

  @Test
  void threadsGetASerialOrdersResult() throws InterruptedException, ExecutionException {
    int threads = 4;
    int tokens = 20_000;
    Affinity shared = new Affinity(EXPERTS, 0.999f, 0.01f, 100);
    // Which thread had which token, and so what the gate of that token wanted.
    int[] wanted = new int[threads * tokens + 1];
    try (var executor = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> done = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int first = t;
        done.add(
            executor.submit(
                () -> {
                  for (int i = 0; i < tokens; i++) {
                    long number = shared.nextToken();
                    wanted[(int) number] = first * 5 + i;
                    want(shared, number, wanted[(int) number]);
                  }
                }));
      }
      for (Future<?> future : done) {
        future.get();
      }
    }
    Affinity serial = new Affinity(EXPERTS, 0.999f, 0.01f, 100);
    for (int token = 1; token < wanted.length; token++) {
      want(serial, serial.nextToken(), wanted[token]);
    }
    for (int e = 0; e < EXPERTS; e++) {
      assertEquals(serial.count(e), shared.count(e), "expert " + e);
      assertEquals(serial.value(e), shared.value(e), 0.01 * serial.value(e), "expert " + e);
    }
  }

  private static void want(Affinity affinity, long token, int choice) {
    for (int k = 0; k < 4; k++) {
      affinity.want((choice * 4 + k) % EXPERTS, token);
    }
  }

  @Test
  void whatIsNeverWantedIsCold() {
    Affinity affinity = new Affinity(2);
    affinity.want(1, affinity.nextToken());
    for (int i = 0; i < 100_000; i++) {
      long _ = affinity.nextToken();
    }
    assertEquals(0, affinity.value(0));
    assertTrue(affinity.value(1) < 1e-30f);
  }

  @Test
  void badArgumentsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Affinity(4, 1.1f, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Affinity(4, Float.NaN, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Affinity(4, 0.9f, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new Affinity(4, 0.9f, 1, -1));
  }
}
