package dev.warmgate.benchmarks.routing;

import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.kernels.Ties;
import dev.warmgate.routing.CapacityRouter;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.Lambda;
import dev.warmgate.routing.PolicyRouter;
import dev.warmgate.routing.Router;
import dev.warmgate.routing.Selection;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A call of many tokens, as a layer routes it, on one thread; half of the experts resident. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class BatchBenchmark {
  private static final int CALLS = 16;
  private static final float LAMBDA = 0.1f;

  /** A layer and its batches. */
  @State(Scope.Thread)
  public static class Layer {
    /** Experts and k. */
    @Param("64x8")
    public String shape;

    /** Of each call. */
    @Param({"1", "8", "64", "512"})
    public int tokens;

    /** The session option's value. */
    @Param({"lossless", "cache-prior", "max-rank", "additive", "capacity"})
    public String routing;

    /** A tier's id. */
    @Param("best")
    public String tier;

    GateInputs inputs;
    Router router;
    Selection selection;
    int next;

    /** Makes the batches. */
    @Setup
    public void prepare() {
      inputs = GateInputs.of(shape, CALLS, tokens);
      selection = new Selection(inputs.topK());
      router = router(GateInputs.kernels(tier));
    }

    private Router router(Kernels kernels) {
      var rule = new GateRule(inputs.experts(), inputs.topK(), Denominator.SELECTED, Ties.LOWER_ID);
      if (routing.equals("capacity")) {
        return new CapacityRouter(kernels, rule, 0.5);
      }
      var policy = RoutePolicy.valueOf(routing.toUpperCase(Locale.ROOT).replace('-', '_'));
      return new PolicyRouter(kernels, rule, policy, Lambda.fixed(LAMBDA), 2, 12);
    }

    /** Frees them. */
    @TearDown
    public void close() {
      selection.close();
      router.close();
    }
  }

  /** A call. */
  @Benchmark
  public Selection batch(Layer layer) {
    layer.router.route(
        layer.inputs.rows().get(layer.next++ & (CALLS - 1)),
        layer.tokens,
        layer.inputs.residents(),
        layer.selection);
    return layer.selection;
  }
}
