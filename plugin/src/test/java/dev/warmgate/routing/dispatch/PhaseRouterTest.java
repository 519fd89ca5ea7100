package dev.warmgate.routing.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PhaseRouterTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 31, 63, 64, 65, 127, 128, 200, 333})
  void isEqualToTheReference(int n) {
    for (int round = 0; round < 12; round++) {
      long seed = 1000L * n + round;
      Random random = new Random(seed);
      int k = 1 + random.nextInt(9);
      int[] sourceOnes = random.ints(n, 0, n + 1).toArray();
      int[] targetOnes = random.ints(n, 0, n + 1).toArray();
      // Whole and empty arcs, too, which the sweep treats apart.
      for (int i = 0; i < n; i += 3) {
        targetOnes[i] = random.nextBoolean() ? n : 0;
      }
      int[] ps = new ChaCha8Random(seed).permutation(n);
      int[] pt = new ChaCha8Random(~seed).permutation(n);
      int[] expected = PhaseReference.route(sourceOnes, targetOnes, ps, pt, k, seed);
      for (int threads : new int[] {1, 3}) {
        int[] routes = new int[n * k];
        PhaseRouter router = new PhaseRouter(n, k, Parallel.common(threads));
        router.route(sourceOnes, targetOnes, ps, pt, seed, routes);
        assertArrayEquals(
            expected, routes, () -> "n " + n + ", seed " + seed + ", threads " + threads);
        // Once more, in a used workspace, from bits.
        Arrays.fill(routes, 7);
        router.route(bits(sourceOnes, random), bits(targetOnes, random), ps, pt, seed, routes);
        assertArrayEquals(expected, routes, () -> "bits, n " + n + ", seed " + seed);
      }
    }
  }

  /** Sizes whose rows draw more than a batch of blocks holds, or fill a batch each. */
  @Tag("slow")
  @ParameterizedTest
  @CsvSource({"1500, 2", "2048, 16", "6000, 1"})
  void isEqualToTheReferenceWithLongRows(int n, int k) {
    Random random = new Random(n);
    int[] sourceOnes = random.ints(n, 0, n + 1).toArray();
    int[] targetOnes = random.ints(n, n / 2, n + 1).toArray();
    int[] ps = new ChaCha8Random(n).permutation(n);
    int[] pt = new ChaCha8Random(k).permutation(n);
    int[] routes = new int[n * k];
    new PhaseRouter(n, k).route(sourceOnes, targetOnes, ps, pt, -1, routes);
    assertArrayEquals(PhaseReference.route(sourceOnes, targetOnes, ps, pt, k, -1), routes);
  }

  @Test
  void noRowGetsATargetTwiceNorOneOutsideItsArc() {
    int n = 257;
    int k = 8;
    int[] ones = new int[n];
    Arrays.fill(ones, 77);
    int[] identity = IntStream.range(0, n).toArray();
    int[] routes = new int[n * k];
    new PhaseRouter(n, k).route(ones, ones, identity, identity, 5, routes);
    for (int row = 0; row < n; row++) {
      int[] targets =
          Arrays.stream(routes, row * k, row * k + k).filter(target -> target >= 0).toArray();
      assertEquals(targets.length, Arrays.stream(targets).distinct().count(), "row " + row);
      for (int target : targets) {
        int first = row;
        assertEquals(
            true, Math.floorMod(first - target * 77, n) < 77, "row " + row + ", " + target);
      }
    }
  }

  @Test
  void allocatesNothing() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int n = 300;
    int[] ones = new int[n];
    Arrays.fill(ones, 100);
    int[] order = new ChaCha8Random(1).permutation(n);
    int[] routes = new int[n * 2];
    PhaseRouter router = new PhaseRouter(n, 2);
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 300; i++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      router.route(ones, ones, order, order, i, routes);
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertEquals(0, least);
  }

  @Test
  void refusesWhatDoesNotFit() {
    PhaseRouter router = new PhaseRouter(3, 2);
    int[] ones = {1, 2, 3};
    int[] order = {2, 0, 1};
    int[] out = new int[6];
    router.route(ones, ones, order, order, 0, out);
    refuses("source", () -> router.route(new int[] {1, 2, 4}, ones, order, order, 0, out));
    refuses("target", () -> router.route(ones, new int[] {1, -1, 2}, order, order, 0, out));
    refuses("sources", () -> router.route(new int[2], ones, order, order, 0, out));
    refuses("words", () -> router.route(new long[2], new long[3], order, order, 0, out));
    refuses("twice", () -> router.route(ones, ones, new int[] {0, 0, 1}, order, 0, out));
    refuses("range", () -> router.route(ones, ones, order, new int[] {0, 3, 1}, 0, out));
    refuses("routes", () -> router.route(ones, ones, order, order, 0, new int[5]));
    refuses("below 1", () -> new PhaseRouter(0, 1));
    refuses("below 1", () -> new PhaseRouter(1, 0));
    refuses("below 1", () -> Parallel.common(0));
  }

  private static void refuses(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertEquals(true, message.contains(part), message);
  }

  /** Rows with so many bits set, anywhere. */
  private static long[] bits(int[] ones, Random random) {
    int n = ones.length;
    int words = (n + 63) / 64;
    long[] bits = new long[n * words];
    for (int row = 0; row < n; row++) {
      int shift = random.nextInt(n);
      for (int i = 0; i < ones[row]; i++) {
        int bit = (i + shift) % n;
        bits[row * words + bit / 64] |= 1L << bit;
      }
    }
    return bits;
  }
}
