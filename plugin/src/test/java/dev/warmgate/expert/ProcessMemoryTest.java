package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.Tier;
import dev.warmgate.residency.SharedExperts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What several models of one process may take together. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ProcessMemoryTest {
  /** Each model has 24 experts; together they may take ten. */
  private static final int TOGETHER = 10;

  @TempDir Path folder;
  private GatedStack a;
  private GatedStack b;
  private long expert;
  private long allocated;

  @BeforeEach
  void write() throws IOException {
    allocated = NativeMemory.bytesInUse();
    assertEquals(0, SharedExperts.bytesMapped(), "another test left a cache open");
    a = new GatedStack(folder, "a", 2);
    b = new GatedStack(folder, "b", 2);
    expert = a.expertBytes();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, SharedExperts.bytesMapped());
    assertEquals(allocated, NativeMemory.bytesInUse());
  }

  private MoeModel open(GatedStack stack, String memory) throws IOException {
    return stack.open(
        Tier.SCALAR,
        0,
        "expert_memory",
        memory,
        "process_memory",
        Long.toString(TOGETHER * expert + 5));
  }

  private MoeModel open(GatedStack stack, int slots) throws IOException {
    return open(stack, Long.toString(slots * expert));
  }

  private static void assertMessage(String expected, IllegalArgumentException e) {
    assertTrue(e.getMessage().contains(expected), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void whoAsksForMoreThanIsLeftIsRefusedInOneLine() throws IOException {
    try (MoeModel first = open(a, 6)) {
      var e = assertThrows(IllegalArgumentException.class, () -> open(b, 5));
      assertMessage("option expert_memory: %d bytes".formatted(5 * expert), e);
      assertMessage("process_memory (%d)".formatted(TOGETHER * expert + 5), e);
      assertMessage("only %d are left".formatted(4 * expert + 5), e);
      assertEquals(6 * expert, SharedExperts.bytesMapped());
      try (MoeModel second = open(b, 4)) {
        assertEquals(10 * expert, SharedExperts.bytesMapped());
        first.statistics();
        b.run(second, new Random(1), 3);
        a.run(first, new Random(1), 3);
        assertEquals(4 * expert, second.statistics().budgetBytes());
      }
      assertEquals(6 * expert, SharedExperts.bytesMapped());
    }
    // All of it is free again.
    open(b, 10).close();
    assertThrows(IllegalArgumentException.class, () -> open(b, 11));
  }

  @Test
  void moreThanAModelHasIsNotAskedFor() throws IOException {
    try (MoeModel all = a.open(Tier.SCALAR, 0, "expert_memory", "100%", "process_memory", "1g")) {
      assertEquals(24 * expert, all.statistics().budgetBytes());
      b.open(Tier.SCALAR, 0, "expert_memory", "1g", "process_memory", "1g").close();
    }
  }

  @Test
  void autoTakesWhatIsLeft() throws IOException {
    try (MoeModel first = open(a, 7);
        MoeModel second = open(b, "auto")) {
      assertEquals(10 * expert, SharedExperts.bytesMapped());
      b.run(second, new Random(2), 5);
      a.run(first, new Random(2), 5);
      assertTrue(second.statistics().peakSlotBytes() <= 3 * expert + 5);
    }
    try (MoeModel alone = open(a, "auto")) {
      assertEquals(10 * expert, SharedExperts.bytesMapped());
      assertEquals(10 * expert + 5, alone.statistics().budgetBytes());
    }
  }

  @Test
  void ofNothingAutoCanTakeNothing() throws IOException {
    try (MoeModel first = open(a, 10)) {
      var e = assertThrows(IllegalArgumentException.class, () -> open(b, "auto"));
      assertMessage("process_memory", e);
      a.run(first, new Random(1), 2);
    }
  }

  @Test
  void sessionsOfOneModelTakeTheirsOnce() throws IOException {
    try (MoeModel first = open(a, 8);
        MoeModel second = open(a, 8)) {
      assertEquals(8 * expert, SharedExperts.bytesMapped());
      a.run(first, new Random(1), 2);
      a.run(second, new Random(1), 2);
      // Opened by the same options, it needs nothing of what is left.
      open(a, 8).close();
      assertThrows(IllegalArgumentException.class, () -> open(a, 7));
    }
  }

  @Test
  void theBoundHoldsWhileModelsComeAndGo() throws Exception {
    long most = TOGETHER * expert + 5;
    var refused = new AtomicInteger();
    var opened = new AtomicInteger();
    var done = new AtomicBoolean();
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      Future<?> watcher =
          pool.submit(
              () -> {
                while (!done.get()) {
                  long now = SharedExperts.bytesMapped();
                  assertTrue(now <= most, "%d of %d".formatted(now, most));
                }
              });
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 3; t++) {
        Random random = new Random(t);
        tasks.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < 60; i++) {
                    GatedStack stack = random.nextBoolean() ? a : b;
                    String memory =
                        random.nextInt(4) == 0
                            ? "auto"
                            : Long.toString((1 + random.nextInt(8)) * expert);
                    try (MoeModel model = open(stack, memory)) {
                      stack.run(model, random, 1 + random.nextInt(3));
                      opened.incrementAndGet();
                    } catch (IllegalArgumentException e) {
                      refused.incrementAndGet();
                    }
                  }
                  return null;
                }));
      }
      try {
        for (Future<?> task : tasks) {
          task.get();
        }
      } finally {
        done.set(true);
      }
      watcher.get();
    }
    assertTrue(opened.get() > 10 && refused.get() > 3, opened + " opened, " + refused + " refused");
  }
}
