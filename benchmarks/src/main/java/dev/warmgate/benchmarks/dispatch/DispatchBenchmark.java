package dev.warmgate.benchmarks.dispatch;

import dev.warmgate.kernels.Ties;
import dev.warmgate.routing.dispatch.CapacityDispatch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
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
import org.openjdk.jmh.annotations.Warmup;

/** Dispatch of a batch on one thread. The published phase router takes 2.7 ms and 46 ms. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DispatchBenchmark {

  /** The phase router on the published workload. */
  @State(Scope.Thread)
  public static class Phase {
    /** N. */
    @Param({"1024", "4096"})
    public int size;

    /** k. */
    @Param("2")
    public int fanOut;

    Workload workload;
    int[] routes;
    Method.Call call;

    /** Builds the workload. */
    @Setup
    public void prepare() {
      Setting setting = new Setting(size, fanOut, 1.2);
      workload = new Workload(setting, Workload.PUBLISHED_SEED, new float[size * size]);
      routes = new int[setting.places()];
      call = Method.PHASE.on(workload);
    }
  }

  /** Gate-aware dispatch of a batch as a MoE layer has it. */
  @State(Scope.Thread)
  public static class Gated {
    private static final int FAN_OUT = 8;

    /** Rows and targets. */
    @Param({"1024x64", "4096x128"})
    public String shape;

    /** Total capacity in parts of what is needed, the same for each target. */
    @Param({"1.0", "1.25"})
    public double headroom;

    int rows;
    int[] capacities;
    MemorySegment logits;
    MemorySegment ids;
    CapacityDispatch dispatch;

    /** Builds the batch. */
    @Setup
    public void prepare() {
      int[] numbers = Arrays.stream(shape.split("x", -1)).mapToInt(Integer::parseInt).toArray();
      rows = numbers[0];
      int targets = numbers[1];
      capacities = new int[targets];
      Arrays.fill(capacities, (int) Math.ceil((double) rows * FAN_OUT / targets * headroom));
      RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
      float[] values = new float[rows * targets];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      logits = MemorySegment.ofArray(values);
      ids = MemorySegment.ofArray(new int[rows * FAN_OUT]);
      dispatch = new CapacityDispatch(targets, FAN_OUT, Ties.LOWER_ID);
    }
  }

  /** From bit matrices to routes. */
  @Benchmark
  public int[] phase(Phase state) {
    state.call.route(state.routes);
    return state.routes;
  }

  /** From logits to ids. */
  @Benchmark
  public int gateAware(Gated state) {
    return state.dispatch.dispatch(state.logits, state.rows, state.capacities, state.ids);
  }
}
