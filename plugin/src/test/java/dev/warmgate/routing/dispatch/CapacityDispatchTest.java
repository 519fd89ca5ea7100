package dev.warmgate.routing.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Ties;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CapacityDispatchTest {
  private static DispatchCase random(long seed, int maxRows, int maxTargets, double forbidden) {
    Random random = new Random(seed);
    int rows = random.nextInt(maxRows + 1);
    int targets = 1 + random.nextInt(maxTargets);
    int fanOut = 1 + random.nextInt(targets);
    float[] logits = new float[rows * targets];
    for (int i = 0; i < logits.length; i++) {
      // Few values, so that ties are common; some rows are all alike.
      logits[i] = random.nextInt(7) * 0.5f;
      if (random.nextDouble() < forbidden) {
        logits[i] = random.nextBoolean() ? Float.NaN : Float.NEGATIVE_INFINITY;
      }
    }
    // About as much capacity as is needed, unevenly spread.
    int total = Math.max(0, rows * fanOut + random.nextInt(7) - 3);
    int[] capacities = new int[targets];
    int favourites = 1 + random.nextInt(targets);
    for (int i = 0; i < total; i++) {
      capacities[random.nextInt(favourites)]++;
    }
    return new DispatchCase(logits, rows, targets, fanOut, capacities);
  }

  private static void checkRules(DispatchCase c, int[] ids, String message) {
    int[] load = new int[c.targets()];
    for (int r = 0; r < c.rows(); r++) {
      boolean[] held = new boolean[c.targets()];
      float last = Float.POSITIVE_INFINITY;
      boolean ended = false;
      for (int i = 0; i < c.fanOut(); i++) {
        int id = ids[r * c.fanOut() + i];
        if (id == -1) {
          ended = true;
          continue;
        }
        assertTrue(!ended, () -> "gap: " + message);
        assertTrue(!held[id], () -> "target twice: " + message);
        assertTrue(!c.forbidden(r, id), () -> "forbidden target: " + message);
        assertTrue(c.logit(r, id) <= last, () -> "order: " + message);
        held[id] = true;
        last = c.logit(r, id);
        load[id]++;
      }
    }
    for (int t = 0; t < c.targets(); t++) {
      assertTrue(load[t] <= c.capacities()[t], () -> "overrun: " + message);
    }
  }

  @Test
  void placesAsManyAsAFlowCanAndKeepsTheRules() {
    for (long seed = 0; seed < 1500; seed++) {
      DispatchCase c = random(seed, 9, 7, seed % 3 * 0.25);
      String message = "seed " + seed + ": " + c;
      int[] ids = c.dispatch();
      checkRules(c, ids, message);
      assertEquals(
          FlowOracle.solve(c.mass(), c.fanOut(), c.capacities()).placed(),
          Arrays.stream(ids).filter(id -> id >= 0).count(),
          message);
    }
  }

  /** The condition in the class comment, when no target is forbidden. */
  @Test
  void fillsEverythingExactlyWhenCapacityClippedAtTheRowsSuffices() {
    int full = 0;
    for (long seed = 0; seed < 3000; seed++) {
      DispatchCase c = random(seed, 30, 12, 0);
      int sum = Arrays.stream(c.capacities()).map(capacity -> Math.min(capacity, c.rows())).sum();
      long placed = Arrays.stream(c.dispatch()).filter(id -> id >= 0).count();
      assertEquals(Math.min(sum, c.slots()), placed, "seed " + seed + ": " + c);
      full += placed == c.slots() ? 1 : 0;
    }
    assertTrue(full > 500 && full < 2500, "full " + full);
  }

  @Test
  void keepsNearlyTheGateMassOfTheOptimum() {
    double kept = 0;
    double best = 0;
    for (long seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      int rows = 24;
      int targets = 8;
      float[] logits = new float[rows * targets];
      for (int i = 0; i < logits.length; i++) {
        // A skewed gate: the first targets are the favourites.
        logits[i] = (float) (random.nextGaussian() + 1.5 - 0.4 * (i % targets));
      }
      int[] capacities = new int[targets];
      Arrays.fill(capacities, 6);
      DispatchCase c = new DispatchCase(logits, rows, targets, 2, capacities);
      double[][] mass = c.mass();
      int[] ids = c.dispatch();
      checkRules(c, ids, "seed " + seed);
      for (int slot = 0; slot < ids.length; slot++) {
        kept += mass[slot / 2][ids[slot]];
      }
      best += FlowOracle.solve(mass, 2, capacities).mass();
    }
    assertTrue(kept <= best + 1e-9 && kept > 0.9 * best, kept / best + " of the optimum");
  }

  @ParameterizedTest
  @EnumSource(Ties.class)
  void isTheOperatorsTopKWhereCapacityIsAmple(Ties ties) {
    for (long seed = 0; seed < 200; seed++) {
      DispatchCase c = random(seed, 40, 40, 0.1);
      Arrays.fill(c.capacities(), c.rows());
      int[] ids = c.dispatch(new CapacityDispatch(c.targets(), c.fanOut(), ties));
      for (int r = 0; r < c.rows(); r++) {
        int row = r;
        int[] expected =
            IntStream.range(0, c.targets())
                .filter(t -> !c.forbidden(row, t))
                .boxed()
                .sorted(
                    (a, b) -> {
                      int order = Float.compare(c.logit(row, b), c.logit(row, a));
                      int byId = ties == Ties.LOWER_ID ? a - b : b - a;
                      return order != 0 ? order : byId;
                    })
                .limit(c.fanOut())
                .mapToInt(Integer::intValue)
                .toArray();
        int[] padded = Arrays.copyOf(expected, c.fanOut());
        Arrays.fill(padded, expected.length, c.fanOut(), -1);
        assertArrayEquals(
            padded,
            Arrays.copyOfRange(ids, r * c.fanOut(), (r + 1) * c.fanOut()),
            () -> "seed " + c + ", row " + row);
      }
    }
  }

  /** No row and target would both rather have each other than what they got. Room is left here. */
  @Test
  void isStable() {
    for (long seed = 0; seed < 100; seed++) {
      Random random = new Random(seed);
      int rows = 100;
      int targets = 40;
      int fanOut = 2;
      float[] logits = new float[rows * targets];
      for (int i = 0; i < logits.length; i++) {
        // Skewed, so that many rows have to ask far down their lists.
        logits[i] = (float) (2 * random.nextGaussian() - 0.1 * (i % targets));
      }
      int[] capacities = random.ints(targets, 5, 8).toArray();
      DispatchCase c = new DispatchCase(logits, rows, targets, fanOut, capacities);
      double[][] mass = c.mass();
      int[] ids = c.dispatch();
      double[] weakest = new double[targets];
      int[] load = new int[targets];
      Arrays.fill(weakest, 1);
      for (int slot = 0; slot < ids.length; slot++) {
        load[ids[slot]]++;
        weakest[ids[slot]] = Math.min(weakest[ids[slot]], mass[slot / fanOut][ids[slot]]);
      }
      for (int r = 0; r < rows; r++) {
        int last = ids[r * fanOut + fanOut - 1];
        for (int t = 0; t < targets; t++) {
          int target = t;
          boolean held =
              Arrays.stream(ids, r * fanOut, r * fanOut + fanOut).anyMatch(id -> id == target);
          boolean rather = mass[r][t] > mass[r][last] * 1.001;
          boolean wanted = load[t] < capacities[t] || mass[r][t] > weakest[t] * 1.001;
          assertTrue(held || !rather || !wanted, "seed " + seed + ", row " + r + ", target " + t);
        }
      }
    }
  }

  @Test
  void extremeLogitsAreOrdinaryOnes() {
    float[] logits = {
      Float.POSITIVE_INFINITY,
      Float.MAX_VALUE,
      0,
      -Float.MAX_VALUE,
      Float.NEGATIVE_INFINITY,
      -0.0f,
      0,
      Float.NaN,
      -1,
      1e-40f
    };
    DispatchCase c = new DispatchCase(logits, 2, 5, 4, new int[] {2, 2, 2, 2, 2});
    assertArrayEquals(new int[] {0, 1, 2, 3, 4, 0, 1, 3}, c.dispatch());
  }

  @Test
  void resultsDoNotDependOnEarlierCalls() {
    CapacityDispatch used = new CapacityDispatch(12, 3, Ties.LOWER_ID);
    for (long seed = 0; seed < 100; seed++) {
      Random random = new Random(seed);
      int rows = random.nextInt(60);
      float[] logits = new float[rows * 12];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = random.nextInt(9) == 0 ? Float.NaN : random.nextFloat();
      }
      DispatchCase c =
          new DispatchCase(logits, rows, 12, 3, random.ints(12, 0, 1 + rows / 2).toArray());
      assertArrayEquals(c.dispatch(), c.dispatch(used), () -> "seed " + c);
    }
  }

  @Test
  void allocatesNothingOnceItHasGrown() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    // Even rows win the first two targets. Odd ones get the third only, which even rows must take
    // too, so that all are placed: the augmenter works on each.
    int rows = 200;
    float[] logits = new float[rows * 16];
    for (int i = 0; i < logits.length; i++) {
      int strength = i / 16 % 2 == 0 ? 3 : 1;
      logits[i] = -strength * (i % 16);
    }
    MemorySegment in = MemorySegment.ofArray(logits);
    MemorySegment out = MemorySegment.ofArray(new int[rows * 2]);
    int[] capacities = new int[16];
    capacities[0] = rows / 2;
    capacities[1] = rows / 2;
    capacities[2] = rows;
    CapacityDispatch dispatch = new CapacityDispatch(16, 2, Ties.HIGHER_ID);
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 300; i++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      int placed = dispatch.dispatch(in, rows, capacities, out);
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      assertEquals(2 * rows, placed);
    }
    assertEquals(0, least);
  }

  /** Every row wants the same targets, and capacity suffices to the last place. */
  @Tag("slow")
  @Test
  void aLargeSkewedBatchLosesNothing() {
    int rows = 2048;
    int targets = 128;
    int fanOut = 8;
    Random random = new Random(3);
    float[] logits = new float[rows * targets];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian() - i % targets * 0.1f;
    }
    int[] capacities = new int[targets];
    Arrays.fill(capacities, rows * fanOut / targets);
    DispatchCase c = new DispatchCase(logits, rows, targets, fanOut, capacities);
    int[] ids = c.dispatch();
    checkRules(c, ids, "large");
    assertTrue(Arrays.stream(ids).allMatch(id -> id >= 0));
  }

  @Test
  void refusesWhatDoesNotFit() {
    CapacityDispatch dispatch = new CapacityDispatch(3, 2, Ties.LOWER_ID);
    MemorySegment logits = MemorySegment.ofArray(new float[6]);
    MemorySegment ids = MemorySegment.ofArray(new int[4]);
    int[] capacities = {2, 2, 2};
    assertEquals(4, dispatch.dispatch(logits, 2, capacities, ids));
    assertEquals(0, dispatch.dispatch(logits, 0, capacities, ids));
    refuses("logits", () -> dispatch.dispatch(logits, 3, capacities, ids));
    refuses("ids", () -> dispatch.dispatch(logits, 2, capacities, ids.asSlice(4)));
    refuses("capacities", () -> dispatch.dispatch(logits, 2, new int[2], ids));
    refuses("negative", () -> dispatch.dispatch(logits, 2, new int[] {4, -1, 4}, ids));
    refuses("rows", () -> dispatch.dispatch(logits, -1, capacities, ids));
    refuses("targets", () -> new CapacityDispatch(3, 4, Ties.LOWER_ID));
    refuses("targets", () -> new CapacityDispatch(3, 0, Ties.LOWER_ID));
  }

  private static void refuses(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
