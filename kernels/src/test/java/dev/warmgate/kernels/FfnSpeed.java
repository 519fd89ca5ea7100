package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.kernels.WeightFormat.Quantised;
import dev.warmgate.kernels.WeightFormat.Real;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Times the feed-forward steps, every format and precision; one token beside a loop that only
 * reads, in turns, since the machine's speed changes from one moment to the next. Figures are
 * medians. Experts come in turn out of more memory than any cache holds, in huge pages where the
 * system gives them.
 */
final class FfnSpeed {
  private static final long MEMORY = 384L << 20;
  private static final long HUGE_PAGE = 2L << 20;
  private static final int MADV_HUGEPAGE = 14;
  private static final long READ_WINDOW = 24L << 20;
  private static final long CASE_NANOS = 250_000_000;
  private static final int TOP_K = 8;
  private static final int EXPERTS = 128; // of a layer

  private static final MethodHandle MEMCHR =
      libc("memchr", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MADVISE =
      libc("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  private final MemorySegment memory;
  private long reads;

  private record Case(String name, FfnShape shape, boolean zeroPoints) {}

  /** Weights that do for every format: as fp32 they are small, and no byte is 0xff. */
  FfnSpeed(Arena arena) {
    memory = arena.allocate(MEMORY, HUGE_PAGE);
    try {
      // A hint about memory of our own; where it is refused, pages are small.
      int refused = (int) MADVISE.invokeExact(memory, MEMORY, MADV_HUGEPAGE);
      if (refused != 0) {
        System.out.println("no huge pages: the figures are lower for that");
      }
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
    for (long i = 0; i < MEMORY / 4; i++) {
      memory.setAtIndex(JAVA_FLOAT, i, (i & 255) / 4096f);
    }
  }

  private static MethodHandle libc(String name, FunctionDescriptor type) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
  }

  /** Prints a line for each shape, format, precision, number of threads and number of tokens. */
  void print(Kernels kernels, List<Integer> threads) {
    for (int count : threads) {
      try (SpinTeam team = new SpinTeam(count)) {
        for (int[] shape : new int[][] {{2048, 768}, {1024, 512}}) {
          FfnShape fp32 = FfnShape.of(shape[0], shape[1], Activation.SWIGLU_HALVES);
          for (Case c : cases(fp32)) {
            for (int tokens : new int[] {1, 64, 512}) {
              print(kernels, team, c, tokens);
            }
          }
        }
      }
    }
  }

  private static List<Case> cases(FfnShape fp32) {
    List<Case> cases = new ArrayList<>();
    cases.add(new Case("fp32", fp32, false));
    cases.add(new Case("fp16", fp32.with(Real.FP16, Precision.EXACT), false));
    for (Precision precision : Precision.values()) {
      for (int[] format : new int[][] {{8, 32}, {4, 32}, {4, 0}, {2, 32}}) {
        Quantised packed = new Quantised(format[0], format[1], RealType.FP32, RealType.FP32);
        FfnShape shape = fp32.with(packed, precision);
        String name = "int%d, block %d, %s".formatted(format[0], format[1], precision);
        cases.add(new Case(name, shape, false));
        if (format[0] == 4 && format[1] != 0) {
          cases.add(new Case(name + ", zero points", shape, true));
        }
      }
    }
    return cases;
  }

  private void print(Kernels kernels, SpinTeam team, Case c, int tokens) {
    FfnShape shape = c.shape();
    List<ExpertWeights> experts = experts(c);
    long bytes = bytes(experts.getFirst());
    // One token: its experts. 64: all on one expert. 512: over all experts of a layer.
    int wave = tokens == 1 ? TOP_K : tokens == 64 ? 1 : EXPERTS;
    int topK = tokens == 64 ? 1 : TOP_K;
    int each = tokens * topK / wave;
    List<Double> times = new ArrayList<>();
    List<Double> shares = new ArrayList<>();
    try (Arena arena = Arena.ofShared();
        FfnBatch batch = new FfnBatch(shape, wave)) {
      int slots = Math.multiplyExact(tokens, topK);
      MemorySegment x = floats(arena, (long) tokens * shape.hidden());
      MemorySegment inner = floats(arena, (long) slots * shape.inner());
      MemorySegment partial = floats(arena, (long) slots * shape.hidden());
      MemorySegment gates = floats(arena, slots);
      MemorySegment ids = arena.allocate(4L * slots, 64);
      for (int i = 0; i < slots; i++) {
        ids.setAtIndex(JAVA_INT, i, i % tokens * topK + i / tokens);
      }
      int next = 0;
      long until = System.nanoTime() + CASE_NANOS;
      for (int round = 0; round == 0 || System.nanoTime() < until; round++) {
        batch.begin(tokens, topK, x, inner, partial, gates, x, team.width());
        for (int e = 0; e < wave; e++) {
          MemorySegment mine = ids.asSlice(4L * e * each, 4L * each);
          batch.add(experts.get(next++ % experts.size()), mine, each);
        }
        long start = System.nanoTime();
        team.run(p -> kernels.run(Step.UP, batch, p));
        team.run(p -> kernels.run(Step.DOWN, batch, p));
        double nanos = System.nanoTime() - start;
        times.add(nanos);
        if (tokens == 1) {
          shares.add(TOP_K * bytes / nanos / readBandwidth(team));
        }
      }
    }
    double flops = 2.0 * wave * each * shape.hidden() * ((long) shape.rows1() + shape.inner());
    System.out.printf(
        "%s, %d thread(s), H=%d I=%d, %s, %d token(s): %.0f µs, %.0f GFLOP/s%s%n",
        kernels.tier().id(),
        team.width(),
        shape.hidden(),
        shape.inner(),
        c.name(),
        tokens,
        median(times) / 1e3,
        flops / median(times),
        shares.isEmpty() ? "" : ofReading(wave * bytes / median(times), median(shares)));
  }

  private static String ofReading(double rate, double share) {
    return ", %.1f GB/s, %.0f %% of reading".formatted(rate, 100 * share);
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static MemorySegment floats(Arena arena, long count) {
    MemorySegment values = arena.allocate(4 * count, 64);
    for (long i = 0; i < count; i++) {
      values.setAtIndex(JAVA_FLOAT, i, (i * 7919 % 2003 - 1000) / 1000f);
    }
    return values;
  }

  /** As many experts as the memory holds, at most a layer's. */
  private List<ExpertWeights> experts(Case c) {
    FfnShape shape = c.shape();
    List<ExpertWeights> experts = new ArrayList<>();
    long[] at = {0};
    while (experts.size() < EXPERTS) {
      Matrix fc1 = matrix(c, shape.rows1(), shape.hidden(), at);
      Matrix fc2 = matrix(c, shape.hidden(), shape.inner(), at);
      if (at[0] > MEMORY) {
        break;
      }
      experts.add(new ExpertWeights(fc1, fc2));
    }
    return experts;
  }

  private Matrix matrix(Case c, int rows, int columns, long[] at) {
    WeightFormat format = c.shape().format();
    long zeroPoints = c.zeroPoints() ? format.zeroPointBytes(rows, columns) : 0;
    return new Matrix(
        take(format.weightBytes(rows, columns), at),
        take(format.scaleBytes(rows, columns), at),
        take(zeroPoints, at),
        MemorySegment.NULL);
  }

  private MemorySegment take(long bytes, long[] at) {
    long from = at[0];
    at[0] += (bytes + 63) / 64 * 64;
    return bytes == 0 || at[0] > MEMORY ? MemorySegment.NULL : memory.asSlice(from, bytes);
  }

  private static long bytes(ExpertWeights w) {
    return bytes(w.fc1()) + bytes(w.fc2());
  }

  private static long bytes(Matrix m) {
    return m.weights().byteSize() + m.scales().byteSize() + m.zeroPoints().byteSize();
  }

  /** Bytes a ns that the memory gives to the C library's memchr for a byte that isn't there. */
  private double readBandwidth(SpinTeam team) {
    long from = reads++ % (MEMORY / READ_WINDOW) * READ_WINDOW;
    long part = READ_WINDOW / team.width();
    long start = System.nanoTime();
    team.run(p -> read(memory.asSlice(from + p * part, part)));
    return (double) READ_WINDOW / (System.nanoTime() - start);
  }

  private static void read(MemorySegment memory) {
    try {
      MemorySegment found = (MemorySegment) MEMCHR.invokeExact(memory, 0xff, memory.byteSize());
      if (found.address() != 0) {
        throw new AssertionError("the read loop stopped early");
      }
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }
}
