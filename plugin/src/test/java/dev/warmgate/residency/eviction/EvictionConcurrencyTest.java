package dev.warmgate.residency.eviction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Threads that use a policy at once. */
class EvictionConcurrencyTest {
  private static final int THREADS = 4;
  private static final int CALLS = 20_000;

  private interface Work {
    void run(int thread, int call);
  }

  private static void race(Work work) throws InterruptedException {
    CountDownLatch start = new CountDownLatch(1);
    Throwable[] failures = new Throwable[THREADS];
    Thread[] threads = new Thread[THREADS];
    for (int t = 0; t < THREADS; t++) {
      int thread = t;
      threads[t] =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((_, failure) -> failures[thread] = failure)
              .start(
                  () -> {
                    try {
                      start.await();
                    } catch (InterruptedException e) {
                      throw new AssertionError(e);
                    }
                    for (int call = 0; call < CALLS; call++) {
                      work.run(thread, call);
                    }
                  });
    }
    start.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    for (Throwable failure : failures) {
      assertEquals(null, failure);
    }
  }

  @Test
  void noUseIsLost() throws InterruptedException {
    EvictionPolicy lfu = EvictionKind.LFU.create(new int[] {3}, 0);
    race((_, _) -> lfu.used(0, new int[] {1, 2}, 2));
    assertEquals(THREADS * CALLS, lfu.worth(0, 1));
    assertEquals(THREADS * CALLS, lfu.worth(0, 2));
    assertEquals(0, lfu.worth(0, 0));
  }

  @Test
  void decayedLfuIsThatOfSomeOrder() throws InterruptedException {
    EvictionPolicy policy = EvictionKind.DECAYED_LFU.create(new int[] {2}, 0);
    race((_, _) -> policy.used(0, new int[] {1}, 1));
    // Every call ran expert 1, so every order gives 1 / (1 − γ).
    assertEquals(50, policy.worth(0, 1), 0.5);
    assertEquals(0, policy.worth(0, 0));
  }

  /** Batches of all sizes on layers of different sizes: no index leaves its bounds. */
  @ParameterizedTest
  @EnumSource(EvictionKind.class)
  void worthsStayFinite(EvictionKind kind) throws InterruptedException {
    int[] experts = {8, 3, 17};
    EvictionPolicy policy = kind.create(experts, 1);
    for (int layer = 0; layer < experts.length; layer++) {
      policy.used(layer, all(experts[layer]), experts[layer]);
    }
    race(
        (thread, call) -> {
          int layer = (call + thread) % 3;
          int count = 1 + (call * 7 + thread) % experts[layer];
          policy.used(layer, all(experts[layer]), count);
          assertTrue(Float.isFinite(policy.worth(layer, call % experts[layer])));
        });
    for (int layer = 0; layer < experts.length; layer++) {
      assertTrue(Float.isFinite(policy.worth(layer, 0)));
    }
  }

  private static int[] all(int experts) {
    int[] ids = new int[experts];
    for (int i = 0; i < experts; i++) {
      ids[i] = i;
    }
    return ids;
  }
}
