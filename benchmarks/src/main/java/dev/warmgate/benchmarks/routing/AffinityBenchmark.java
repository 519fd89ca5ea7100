package dev.warmgate.benchmarks.routing;

import dev.warmgate.routing.Affinity;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What a token adds to a layer's affinities: {@value #TOP_K} experts wanted, all decayed. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class AffinityBenchmark {
  static final int TOP_K = 8;
  private static final int TOKENS = 512;

  /** A layer, which all threads share. */
  @State(Scope.Benchmark)
  public static class Layer {
    /** Of the layer. */
    @Param({"16", "64", "256"})
    public int experts;

    Affinity affinity;
    int[] wanted;

    /** Chooses the experts, different ones for each token. */
    @Setup
    public void prepare() {
      affinity = new Affinity(experts);
      RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
      wanted = new int[TOKENS * TOP_K];
      for (int token = 0; token < TOKENS; token++) {
        int first = random.nextInt(experts);
        int step = 1 + 2 * random.nextInt(experts / 2);
        for (int rank = 0; rank < TOP_K; rank++) {
          // The step is odd and their number even, so that none is met twice.
          wanted[token * TOP_K + rank] = (first + rank * step) % experts;
        }
      }
    }
  }

  /** Where a thread is. */
  @State(Scope.Thread)
  public static class Caller {
    int next;
  }

  /** A token, one thread. */
  @Benchmark
  public long want(Layer layer, Caller caller) {
    int at = (caller.next++ & (TOKENS - 1)) * TOP_K;
    long number = layer.affinity.nextToken();
    for (int rank = 0; rank < TOP_K; rank++) {
      layer.affinity.want(layer.wanted[at + rank], number);
    }
    return number;
  }

  /** A token, two threads. */
  @Benchmark
  @Threads(2)
  public long wantByTwo(Layer layer, Caller caller) {
    return want(layer, caller);
  }

  /** Every value once, as for a victim. */
  @Benchmark
  public float read(Layer layer) {
    float least = Float.MAX_VALUE;
    for (int expert = 0; expert < layer.experts; expert++) {
      least = Math.min(least, layer.affinity.value(expert));
    }
    return least;
  }
}
