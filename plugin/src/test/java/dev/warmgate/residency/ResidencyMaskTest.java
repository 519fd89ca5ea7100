package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ResidencyMaskTest {

  @Test
  void isABitSetOfWordsLeastSignificantBitFirst() {
    for (int experts : new int[] {1, 2, 63, 64, 65, 128, 300}) {
      Random random = new Random(experts);
      try (Arena arena = Arena.ofShared()) {
        ResidencyMask mask = new ResidencyMask(experts, arena);
        BitSet expected = new BitSet();
        for (int i = 0; i < 500; i++) {
          int expert = random.nextInt(experts);
          if (random.nextBoolean()) {
            mask.set(expert);
            expected.set(expert);
          } else {
            mask.clear(expert);
            expected.clear(expert);
          }
        }
        assertEquals((experts + 63) / 64 * 8L, mask.words().byteSize());
        assertEquals(expected, BitSet.valueOf(mask.words().toArray(ValueLayout.JAVA_LONG)));
        assertEquals(expected.cardinality(), mask.cardinality(), "seed " + experts);
        for (int e = 0; e < experts; e++) {
          assertEquals(expected.get(e), mask.contains(e), "seed " + experts);
        }
      }
    }
  }

  @Test
  void knowsItsBounds() {
    try (Arena arena = Arena.ofShared()) {
      ResidencyMask mask = new ResidencyMask(65, arena);
      for (int expert : new int[] {-1, 65, 127, 128, Integer.MIN_VALUE}) {
        assertThrows(IndexOutOfBoundsException.class, () -> mask.contains(expert));
        assertThrows(IndexOutOfBoundsException.class, () -> mask.set(expert));
        assertThrows(IndexOutOfBoundsException.class, () -> mask.clear(expert));
      }
      assertEquals(0, mask.cardinality());
    }
  }

  @Test
  void changesOfDifferentBitsOfOneWordLoseNone() throws Exception {
    int threads = 4;
    int rounds = 20_000;
    try (Arena arena = Arena.ofShared();
        ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      ResidencyMask mask = new ResidencyMask(64, arena);
      CyclicBarrier start = new CyclicBarrier(threads);
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int first = t;
        tasks.add(
            pool.submit(
                () -> {
                  start.await();
                  for (int i = 0; i < rounds; i++) {
                    // Each thread owns every fourth bit, and sees what it wrote itself.
                    int bit = first + threads * (i % 16);
                    mask.set(bit);
                    assertTrue(mask.contains(bit));
                    mask.clear(bit);
                    assertFalse(mask.contains(bit));
                    mask.set(bit);
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      assertEquals(64, mask.cardinality());
    }
  }
}
