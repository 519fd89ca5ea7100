package dev.warmgate.benchmarks.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.routing.Selection;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each benchmark's body once, and what it must have done. */
class RoutingBenchmarksTest {

  private static RouteBenchmark.Layer layer(RoutePolicy policy, String tier) {
    RouteBenchmark.Layer layer = new RouteBenchmark.Layer();
    layer.shape = "64x6";
    layer.policy = policy;
    layer.tier = tier;
    layer.prepare();
    return layer;
  }

  private static RouteBenchmark.Caller caller(RouteBenchmark.Layer layer) {
    RouteBenchmark.Caller caller = new RouteBenchmark.Caller();
    caller.prepare(layer);
    return caller;
  }

  /** The scalar tier is the oracle: it shares no code with the others. */
  @ParameterizedTest
  @EnumSource(RoutePolicy.class)
  void routesAsTheScalarTierDoes(RoutePolicy policy) {
    RouteBenchmark.Layer layer = layer(policy, "best");
    RouteBenchmark.Layer oracle = layer(policy, "scalar");
    RouteBenchmark benchmark = new RouteBenchmark();
    int[] expected = benchmark.bare(oracle, caller(oracle)).toArray(ValueLayout.JAVA_INT);
    for (MemorySegment ids :
        new MemorySegment[] {
          benchmark.bare(layer, caller(layer)), benchmark.layer(layer, caller(layer)).ids()
        }) {
      assertArrayEquals(expected, ids.toArray(ValueLayout.JAVA_INT));
    }
    MemorySegment last = layer.inputs.rows().get(RouteBenchmark.CALLS - 1);
    if (policy == RoutePolicy.LOSSLESS) {
      assertTrue(sameSet(best(last, 0, 64, 6), expected));
    }
    layer.close();
    oracle.close();
  }

  @ParameterizedTest
  @CsvSource({"lossless, 1", "cache-prior, 8", "max-rank, 8", "additive, 8", "capacity, 64"})
  void routesWholeBatches(String routing, int tokens) {
    int[][] ids = new int[2][];
    for (String tier : new String[] {"best", "scalar"}) {
      BatchBenchmark.Layer layer = new BatchBenchmark.Layer();
      layer.shape = "64x8";
      layer.tokens = tokens;
      layer.routing = routing;
      layer.tier = tier;
      layer.prepare();
      Selection selection = new BatchBenchmark().batch(layer);
      assertEquals(tokens, selection.tokens());
      int[] chosen = selection.ids().toArray(ValueLayout.JAVA_INT);
      ids[tier.equals("best") ? 0 : 1] = chosen;
      boolean own = true;
      for (int token = 0; token < tokens; token++) {
        int[] row = Arrays.copyOfRange(chosen, token * 8, token * 8 + 8);
        own &= sameSet(best(layer.inputs.rows().get(0), token, 64, 8), row);
      }
      assertEquals(routing.equals("lossless"), own, tier);
      layer.close();
    }
    assertArrayEquals(ids[1], ids[0]);
  }

  @Tag("slow")
  @ParameterizedTest
  @CsvSource({"lossless", "cache-prior", "capacity"})
  void aCallOfManyTokensAllocatesNothing(String routing) {
    BatchBenchmark.Layer layer = new BatchBenchmark.Layer();
    layer.shape = "64x8";
    layer.tokens = 64;
    layer.routing = routing;
    layer.tier = "best";
    layer.prepare();
    BatchBenchmark benchmark = new BatchBenchmark();
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    int calls = 500;
    // The least of some rounds: compiling on the way also allocates.
    for (int round = 0; round < 20; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int call = 0; call < calls; call++) {
        benchmark.batch(layer);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertTrue(least < calls, least + " bytes in " + calls + " calls");
    layer.close();
  }

  @Test
  void wantsDifferentExpertsForEachToken() {
    AffinityBenchmark.Layer layer = new AffinityBenchmark.Layer();
    layer.experts = 16;
    layer.prepare();
    AffinityBenchmark.Caller caller = new AffinityBenchmark.Caller();
    AffinityBenchmark benchmark = new AffinityBenchmark();
    double[] expected = new double[16];
    long[] counts = new long[16];
    for (int token = 0; token < 100; token++) {
      assertEquals(token + 1, benchmark.want(layer, caller));
      for (int e = 0; e < 16; e++) {
        expected[e] *= 0.99;
      }
      for (int rank = 0; rank < AffinityBenchmark.TOP_K; rank++) {
        int expert = layer.wanted[token * AffinityBenchmark.TOP_K + rank];
        expected[expert] = 1;
        counts[expert]++;
      }
    }
    for (int e = 0; e < 16; e++) {
      assertEquals(expected[e], layer.affinity.value(e), 1e-4);
      assertEquals(counts[e], layer.affinity.count(e));
    }
    assertEquals(100L * AffinityBenchmark.TOP_K, sum(counts));
    assertEquals(Arrays.stream(expected).min().orElseThrow(), benchmark.read(layer), 1e-4);
  }

  @Test
  void tellsTheControllerOfMisses() {
    ControllerBenchmark.Layer layer = new ControllerBenchmark.Layer();
    layer.prepare();
    ControllerBenchmark.Caller caller = new ControllerBenchmark.Caller();
    float lambda = 0;
    for (int token = 0; token < 32; token++) {
      lambda = new ControllerBenchmark().observe(layer, caller);
    }
    assertEquals(1, layer.lambda.state().periods());
    // Every fourth token misses 0, 1, 2, 3 of 8.
    assertEquals(1 - 1.5 / 8, layer.lambda.state().hitRate(), 1e-9);
    assertEquals(layer.lambda.value(), lambda);
    assertTrue(lambda > 0);
  }

  private static long sum(long[] counts) {
    return Arrays.stream(counts).sum();
  }

  private static int[] best(MemorySegment logits, int token, int experts, int topK) {
    return IntStream.range(0, experts)
        .boxed()
        .sorted(
            Comparator.comparing(
                (Integer e) ->
                    -logits.getAtIndex(ValueLayout.JAVA_FLOAT, (long) token * experts + e)))
        .limit(topK)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static boolean sameSet(int[] expected, int[] ids) {
    return IntStream.of(expected)
        .sorted()
        .boxed()
        .toList()
        .equals(IntStream.of(ids).sorted().boxed().toList());
  }
}
