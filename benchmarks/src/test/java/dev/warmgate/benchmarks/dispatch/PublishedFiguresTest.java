package dev.warmgate.benchmarks.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The figures that the phase router's authors published, and what they leave out. */
class PublishedFiguresTest {
  /**
   * SipHash-1-3, zero key, bytes 0 to 23: from another implementation, which gives the vector of
   * SipHash-2-4 in its authors' paper.
   */
  @Test
  void sipHashIsTheKnownOne() {
    assertEquals(
        0x31185a47af932f3aL,
        SipHash.hash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L, 0x1716151413121110L));
  }

  @ParameterizedTest
  @CsvSource({
    "1024, 2, 1.0, 87.94, 79.25, 88.8",
    "1024, 2, 1.2, 89.79, 79.25, 91.7",
    "1024, 16, 1.2, 96.58, 77.58, 97.9",
    "4096, 2, 1.2, 91.10, 79.02, 91.5"
  })
  void survivalIsAsPublished(
      int size, int fanOut, double headroom, double phase, double hash, double weighted) {
    Setting setting = new Setting(size, fanOut, headroom);
    Workload workload = new Workload(setting, Workload.PUBLISHED_SEED, new float[size * size]);
    Gate gate = new Gate(workload);
    Outcome phaseRouter = outcome(Method.PHASE, workload, gate);
    assertEquals(phase, 100 * phaseRouter.survival(), 0.005);
    assertEquals(hash, 100 * outcome(Method.HASH, workload, gate).survival(), 0.005);
    assertEquals(weighted, 100 * outcome(Method.WEIGHTED_HASH, workload, gate).survival(), 0.5);
    assertTrue(outcome(Method.TWO_CHOICES, workload, gate).survival() > 0.99);
    Outcome gateAware = outcome(Method.GATE, workload, gate);
    assertEquals(1, gateAware.survival());
    assertTrue(
        gateAware.gateMass() > 5 * phaseRouter.gateMass(),
        () -> gateAware + " against " + phaseRouter);
  }

  private static Outcome outcome(Method method, Workload workload, Gate gate) {
    int[] routes = new int[workload.setting().places()];
    method.on(workload).route(routes);
    return Outcome.of(workload, gate, routes, 0);
  }
}
