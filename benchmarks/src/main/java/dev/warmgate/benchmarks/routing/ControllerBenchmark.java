package dev.warmgate.benchmarks.routing;

import dev.warmgate.routing.AdaptiveLambda;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What a call of one token costs the adaptive strength, periods included. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class ControllerBenchmark {
  private static final int TOP_K = 8;

  /** A layer's strength, which all threads share. */
  @State(Scope.Benchmark)
  public static class Layer {
    AdaptiveLambda lambda;

    /** Begins anew. */
    @Setup
    public void prepare() {
      lambda = new AdaptiveLambda(0.1f, 0.8, 0.9);
    }
  }

  /** Where a thread is. */
  @State(Scope.Thread)
  public static class Caller {
    int next;
  }

  /** A token, one thread. */
  @Benchmark
  public float observe(Layer layer, Caller caller) {
    // 0 to 3 of 8 missed, so that the controller has something to do.
    layer.lambda.observe(TOP_K, caller.next++ & 3, 0.95, 1);
    return layer.lambda.value();
  }

  /** A token, two threads. */
  @Benchmark
  @Threads(2)
  public float observeByTwo(Layer layer, Caller caller) {
    return observe(layer, caller);
  }
}
