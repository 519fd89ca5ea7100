package dev.warmgate.benchmarks.routing;

import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.RouteExtras;
import dev.warmgate.kernels.RoutePlan;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.kernels.Ties;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.Lambda;
import dev.warmgate.routing.PolicyRouter;
import dev.warmgate.routing.Selection;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One token, in batches of {@value #CALLS} calls, half of the experts resident.
 *
 * <p>{@code bare} is what routers elsewhere give: ids and weights. {@code layer} is what a layer
 * asks for: beside them what was displaced, the kept gate mass and the misses. Threads of one
 * benchmark share plan and router and nothing else.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(RouteBenchmark.CALLS)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class RouteBenchmark {
  static final int CALLS = 32;
  private static final int ROWS = 512;
  private static final float LAMBDA = 0.15f;
  private static final int KEEP_TOP = 2;
  private static final int MAX_RANK = 12;
  private static final float RANGE_RATE = 0.01f;

  /** A layer, which all threads share. */
  @State(Scope.Benchmark)
  public static class Layer {
    /** Experts and k. */
    @Param({"8x2", "16x2", "64x6", "64x8", "128x8", "256x8"})
    public String shape;

    /** What is preferred. */
    @Param({"LOSSLESS", "ADDITIVE", "CACHE_PRIOR", "MAX_RANK"})
    public RoutePolicy policy;

    /** A tier's id. */
    @Param("best")
    public String tier;

    GateInputs inputs;
    Kernels kernels;
    RoutePlan plan;
    PolicyRouter router;

    /** Makes the layer. */
    @Setup
    public void prepare() {
      inputs = GateInputs.of(shape, ROWS, 1);
      kernels = GateInputs.kernels(tier);
      int keepTop = Math.min(KEEP_TOP, inputs.topK());
      plan =
          new RoutePlan(
              inputs.experts(),
              inputs.topK(),
              Denominator.SELECTED,
              Ties.LOWER_ID,
              policy,
              keepTop,
              MAX_RANK,
              RANGE_RATE);
      var rule = new GateRule(inputs.experts(), inputs.topK(), Denominator.SELECTED, Ties.LOWER_ID);
      router = new PolicyRouter(kernels, rule, policy, Lambda.fixed(LAMBDA), keepTop, MAX_RANK);
    }

    /** Frees it. */
    @TearDown
    public void close() {
      plan.close();
      router.close();
    }
  }

  /** A thread's own results. */
  @State(Scope.Thread)
  public static class Caller {
    MemorySegment ids;
    MemorySegment weights;
    Selection selection;
    int next;

    /** Makes room for one token. */
    @Setup
    public void prepare(Layer layer) {
      Arena arena = Arena.ofAuto();
      ids = arena.allocate((long) layer.inputs.topK() * Integer.BYTES, 64);
      weights = arena.allocate((long) layer.inputs.topK() * Float.BYTES, 64);
      selection = new Selection(layer.inputs.topK());
    }

    /** Frees it. */
    @TearDown
    public void close() {
      selection.close();
    }
  }

  /** Ids and weights, one thread. */
  @Benchmark
  public MemorySegment bare(Layer layer, Caller caller) {
    for (int call = 0; call < CALLS; call++) {
      MemorySegment row = layer.inputs.rows().get(caller.next++ & (ROWS - 1));
      int bad =
          layer.kernels.route(
              layer.plan,
              LAMBDA,
              row,
              1,
              layer.inputs.residents(),
              caller.ids,
              caller.weights,
              RouteExtras.NONE);
      if (bad >= 0) {
        throw new IllegalStateException("a row without finite logits");
      }
    }
    return caller.ids;
  }

  /** Ids and weights, two threads. */
  @Benchmark
  @Threads(2)
  public MemorySegment bareByTwo(Layer layer, Caller caller) {
    return bare(layer, caller);
  }

  /** All that a layer asks for, one thread. */
  @Benchmark
  public Selection layer(Layer layer, Caller caller) {
    for (int call = 0; call < CALLS; call++) {
      MemorySegment row = layer.inputs.rows().get(caller.next++ & (ROWS - 1));
      layer.router.route(row, 1, layer.inputs.residents(), caller.selection);
    }
    return caller.selection;
  }

  /** All that a layer asks for, two threads. */
  @Benchmark
  @Threads(2)
  public Selection layerByTwo(Layer layer, Caller caller) {
    return layer(layer, caller);
  }
}
