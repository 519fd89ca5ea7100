package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.routing.PagingDecision.Demand;
import dev.warmgate.routing.PagingDecision.Evict;
import dev.warmgate.routing.PagingDecision.Prefetch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagingAdvisorTest {

  /** A selection as a kernel leaves it, with plain arrays beside it. */
  @SuppressWarnings("ArrayRecordComponent") // Input of a test, never compared.
  private record Call(int topK, int[][] chosen, float[][] weights, int[][] displaced) {

    static Call random(Random random, int experts) {
      int k = 1 + random.nextInt(Math.min(experts, 6));
      int tokens = 1 + random.nextInt(6);
      Call call = new Call(k, new int[tokens][], new float[tokens][], new int[tokens][]);
      for (int token = 0; token < tokens; token++) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, experts).boxed().toList());
        Collections.shuffle(all, random);
        int count = random.nextInt(k + 1);
        int out = random.nextInt(Math.min(k, experts - count) + 1);
        call.chosen[token] = all.subList(0, count).stream().mapToInt(e -> e).toArray();
        call.displaced[token] = all.subList(count, count + out).stream().mapToInt(e -> e).toArray();
        call.weights[token] = new float[count];
        for (int i = 0; i < count; i++) {
          // Coarse, so that some are equal.
          call.weights[token][i] = random.nextInt(4) / 4f;
        }
      }
      return call;
    }

    void write(Selection selection) {
      selection.begin(chosen.length);
      for (int token = 0; token < chosen.length; token++) {
        for (int rank = 0; rank < topK; rank++) {
          long at = (long) token * topK + rank;
          boolean is = rank < chosen[token].length;
          selection.ids().setAtIndex(ValueLayout.JAVA_INT, at, is ? chosen[token][rank] : -1);
          selection.weights().setAtIndex(ValueLayout.JAVA_FLOAT, at, is ? weights[token][rank] : 0);
          selection
              .extras()
              .displaced()
              .setAtIndex(
                  ValueLayout.JAVA_INT,
                  at,
                  rank < displaced[token].length ? displaced[token][rank] : -1);
        }
      }
    }

    boolean chooses(int expert) {
      return Arrays.stream(chosen).flatMapToInt(Arrays::stream).anyMatch(e -> e == expert);
    }

    boolean displaces(int expert) {
      return Arrays.stream(displaced).flatMapToInt(Arrays::stream).anyMatch(e -> e == expert);
    }

    float weight(int expert) {
      float most = 0;
      for (int token = 0; token < chosen.length; token++) {
        for (int i = 0; i < chosen[token].length; i++) {
          most = chosen[token][i] == expert ? Math.max(most, weights[token][i]) : most;
        }
      }
      return most;
    }
  }

  /** What the definition says, expert by expert. */
  private static List<PagingDecision> expected(
      Call call, int experts, BitSet residents, Affinity affinity) {
    List<PagingDecision> demands = new ArrayList<>();
    List<PagingDecision> prefetches = new ArrayList<>();
    List<PagingDecision> evictions = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      if (residents.get(e)) {
        if (!call.chooses(e)) {
          evictions.add(new Evict(e, 1 / (1 + affinity.value(e))));
        }
      } else if (call.chooses(e)) {
        demands.add(new Demand(e, call.weight(e)));
      } else if (call.displaces(e)) {
        prefetches.add(new Prefetch(e, affinity.value(e)));
      }
    }
    // Stable: equal ones stay in the order of their ids.
    Comparator<PagingDecision> order = Comparator.comparing(d -> -d.priority());
    List<PagingDecision> all = new ArrayList<>(demands.stream().sorted(order).toList());
    all.addAll(prefetches.stream().sorted(order).toList());
    all.addAll(evictions.stream().sorted(order).limit(all.size()).toList());
    return all;
  }

  @Test
  void equalsTheDefinition() {
    int kinds = 0;
    for (int seed = 1; seed <= 500; seed++) {
      Random random = new Random(seed);
      int experts = 1 + random.nextInt(random.nextBoolean() ? 12 : 150);
      Affinity affinity = new Affinity(experts);
      for (int token = 0; token < 30; token++) {
        affinity.want(random.nextInt(experts), affinity.nextToken());
      }
      BitSet residents = new BitSet();
      IntStream.range(0, experts).filter(_ -> random.nextBoolean()).forEach(residents::set);
      Call call = Call.random(random, experts);
      List<PagingDecision> expected = expected(call, experts, residents, affinity);
      try (Selection selection = new Selection(call.topK);
          Arena arena = Arena.ofConfined()) {
        call.write(selection);
        long[] words = Arrays.copyOf(residents.toLongArray(), (experts + 63) / 64);
        MemorySegment mask = arena.allocateFrom(ValueLayout.JAVA_LONG, words);
        assertEquals(
            expected,
            PagingAdvisor.advise(selection, experts, mask, affinity),
            "seed %d, %d experts, %s".formatted(seed, experts, residents));
      }
      kinds |= expected.stream().anyMatch(Demand.class::isInstance) ? 1 : 0;
      kinds |= expected.stream().anyMatch(Prefetch.class::isInstance) ? 2 : 0;
      kinds |= expected.stream().anyMatch(Evict.class::isInstance) ? 4 : 0;
    }
    assertEquals(7, kinds);
  }

  @Test
  void withoutAMaskEverythingIsAbsent() {
    try (Selection selection = new Selection(1)) {
      new Call(1, new int[][] {{2}}, new float[][] {{1}}, new int[][] {{0}}).write(selection);
      Affinity affinity = new Affinity(3);
      assertEquals(
          List.of(new Demand(2, 1), new Prefetch(0, 0)),
          PagingAdvisor.advise(selection, 3, MemorySegment.NULL, affinity));
      assertTrue(affinity.tokens() == 0 && affinity.count(0) == 0);
    }
  }
}
