package dev.warmgate.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.residency.eviction.Sharing;
import dev.warmgate.simulate.Simulation.Result;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimulationTest {

  private static Result run(Trace trace, String policy, double share) {
    return new Simulation(PolicyChoice.of(policy), share, Prefetch.NONE).run(trace, () -> {});
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.25, 0.5, 0.75})
  void lruIsALinkedHashMapForEachLayer(double share) {
    Trace trace = Traces.skewed(3, 12, 1, 600, 1);
    int slots = (int) (12 * share);
    List<LinkedHashMap<Integer, Integer>> caches = new ArrayList<>();
    for (int layer = 0; layer < 3; layer++) {
      caches.add(new LinkedHashMap<>(16, 0.75f, true));
    }
    long hits = 0;
    for (long token = 0; token < trace.tokens(); token++) {
      for (int layer = 0; layer < 3; layer++) {
        int expert = trace.expert(token, layer, 0);
        hits += caches.get(layer).get(expert) == null ? 0 : 1;
        caches.get(layer).put(expert, expert);
        if (caches.get(layer).size() > slots) {
          caches.get(layer).pollFirstEntry();
        }
      }
    }
    Result result = run(trace, "lru", share);
    assertEquals(hits, result.hits());
    assertEquals(600 * 3, result.uses());
    assertEquals(result.uses() - hits, result.loads());
  }

  /** All ways to choose victims, tried: none has more hits. */
  @Test
  void nothingBeatsBelady() {
    for (int seed = 0; seed < 40; seed++) {
      Random random = new Random(seed);
      int layers = 1 + random.nextInt(2);
      Trace trace = Traces.skewed(layers, 5, 1 + random.nextInt(2), 9, seed);
      for (Sharing sharing : Sharing.values()) {
        int slots = layers * 2 + (sharing == Sharing.POOL ? random.nextInt(2) : 0);
        PolicyChoice belady = PolicyChoice.of("belady").with(sharing);
        double share = (slots + 0.01) / (layers * 5);
        long hits = new Simulation(belady, share, Prefetch.NONE).run(trace, () -> {}).hits();
        assertEquals(
            best(trace, 0, new int[0], slots, sharing, new HashMap<>()), hits, "seed " + seed);
      }
    }
  }

  /** The most hits from a step on, with experts resident in the order of their numbers. */
  private static long best(
      Trace trace,
      int step,
      int[] resident,
      int slots,
      Sharing sharing,
      Map<List<Object>, Long> known) {
    int layers = trace.header().layers();
    if (step == trace.tokens() * layers) {
      return 0;
    }
    List<Integer> set = new ArrayList<>();
    for (int expert : resident) {
      set.add(expert);
    }
    List<Object> key = List.of(step, set);
    Long value = known.get(key);
    if (value != null) {
      return value;
    }
    List<Integer> wanted = new ArrayList<>();
    for (int rank = 0; rank < trace.header().topK(); rank++) {
      wanted.add(step % layers * 5 + trace.expert(step / layers, step % layers, rank));
    }
    long hits = wanted.stream().filter(set::contains).count();
    List<Integer> after = new ArrayList<>(set);
    wanted.stream().filter(expert -> !set.contains(expert)).forEach(after::add);
    value = hits + bestEviction(trace, step, after, wanted, slots, sharing, known);
    known.put(key, value);
    return value;
  }

  private static long bestEviction(
      Trace trace,
      int step,
      List<Integer> set,
      List<Integer> wanted,
      int slots,
      Sharing sharing,
      Map<List<Object>, Long> known) {
    int layers = trace.header().layers();
    boolean fits =
        sharing == Sharing.POOL
            ? set.size() <= slots
            : set.stream().filter(e -> e / 5 == step % layers).count() <= slots / layers;
    if (fits) {
      return best(
          trace, step + 1, set.stream().sorted().mapToInt(e -> e).toArray(), slots, sharing, known);
    }
    long most = 0;
    for (Integer victim : set) {
      if (!wanted.contains(victim) && (sharing == Sharing.POOL || victim / 5 == step % layers)) {
        List<Integer> rest = new ArrayList<>(set);
        rest.remove(victim);
        most = Math.max(most, bestEviction(trace, step, rest, wanted, slots, sharing, known));
      }
    }
    return most;
  }

  /** On a trace that nothing was tuned on. */
  @ParameterizedTest
  @ValueSource(doubles = {0.25, 0.5, 0.75})
  void theDefaultBeatsDecayedLfuWhereLayersAreSkewed(double share) {
    Trace trace = Traces.skewed(8, 24, 3, 3000, 5);
    double random = run(trace, "random", share).hitRate();
    double decayed = run(trace, "decayed-lfu", share).hitRate();
    double shipped = run(trace, "default", share).hitRate();
    double belady = run(trace, "belady", share).hitRate();
    assertTrue(random < decayed && decayed < belady);
    assertTrue(decayed < shipped, decayed + " " + shipped);
  }

  @Test
  void aSlotMayBeAllThereIs() {
    Trace trace = Traces.skewed(2, 6, 3, 50, 6);
    for (String id : PolicyChoice.ids()) {
      Result result = run(trace, id, 0.01);
      assertTrue(result.hits() < result.uses() && result.loads() <= result.uses());
    }
  }

  @Test
  void everythingResidentIsReadOnce() {
    Trace trace = Traces.skewed(2, 6, 3, 300, 7);
    for (String id : PolicyChoice.ids()) {
      assertEquals(12, run(trace, id, 1).loads());
    }
  }

  @Test
  void unknownPoliciesAreNamed() {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> PolicyChoice.of("best"));
    assertTrue(error.getMessage().contains("policy 'best' is not one of default, learned"));
  }

  /** Layer by layer the same two experts follow each other: what comes is always foreseen. */
  @Test
  void transitionsThatRepeatAreReadAhead() {
    TraceRecorder recorder = new TraceRecorder(new Trace.Header("chain", 4, 16, 1), true);
    Random random = new Random(8);
    for (int token = 0; token < 2000; token++) {
      int chain = random.nextInt(16);
      for (int layer = 0; layer < 4; layer++) {
        int expert = (chain * (2 * layer + 1)) % 16;
        float[] gate = new float[16];
        gate[expert] = 5;
        recorder.select(layer, new int[] {expert}, gate);
      }
    }
    recorder.endSequence("chain");
    Trace trace = recorder.trace();
    PolicyChoice choice = PolicyChoice.of("default");
    Result none = new Simulation(choice, 0.25, Prefetch.NONE).run(trace, () -> {});
    for (Prefetch prefetch : List.of(Prefetch.TRANSITION, Prefetch.GATE)) {
      Result result = new Simulation(choice, 0.25, prefetch).run(trace, () -> {});
      assertTrue(result.hitRate() > none.hitRate() + 0.3, prefetch + " " + result);
      assertTrue(result.prefetchUsed() > 2000);
      assertTrue(result.prefetchWasted() < result.prefetchUsed());
      assertTrue(
          result.loads() >= result.uses() - result.hits() + result.prefetchUsed(), "" + result);
    }
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new Simulation(choice, 0.25, Prefetch.GATE)
                .run(Traces.skewed(2, 6, 3, 50, 6), () -> {}));
  }
}
