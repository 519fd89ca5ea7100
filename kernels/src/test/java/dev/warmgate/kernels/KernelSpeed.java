package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Prints how fast the tiers of this machine are; the tables of README.md. Not a test. */
final class KernelSpeed {
  private static final int HIDDEN = 2048;
  private static final int INNER = 768;
  private static final int EXPERTS = 24; // in turn: 450 MB, more than any cache here
  private static final FfnShape SHAPE = FfnShape.of(HIDDEN, INNER, Activation.SWIGLU_HALVES);
  private static final int ROUNDS = 12;

  private static final MethodHandle MEMCHR =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("memchr"),
              FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, JAVA_LONG));

  private static volatile long sink;

  private KernelSpeed() {}

  /** Prints all tables. */
  public static void main(String[] args) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment weights = arena.allocate(EXPERTS * SHAPE.weightBytes(), 64);
      for (long i = 0; i < weights.byteSize() / 4; i++) {
        weights.setAtIndex(JAVA_FLOAT, i, (i & 255) / 4096f);
      }
      for (int threads : new int[] {1, 2}) {
        try (Pair team = new Pair(threads)) {
          readLoop(weights, team);
          for (Tier tier : Tier.values()) {
            if (Kernels.availability(tier).isAvailable()) {
              feedForward(arena, weights, team, Kernels.of(tier));
            }
          }
        }
      }
      for (Tier tier : Tier.values()) {
        if (Kernels.availability(tier).isAvailable()) {
          routing(arena, Kernels.of(tier));
        }
      }
    }
  }

  /** What the memory gives to a loop that only reads. */
  private static void readLoop(MemorySegment weights, Pair team) {
    double bytes = SHAPE.weightBytes();
    double best = Double.MAX_VALUE;
    for (int round = 0; round < 4 * EXPERTS; round++) {
      long from = round % EXPERTS * SHAPE.weightBytes();
      long part = SHAPE.weightBytes() / team.width();
      long start = System.nanoTime();
      team.run(p -> read(weights.asSlice(from + p * part, part)));
      best = Math.min(best, (double) (System.nanoTime() - start));
    }
    System.out.printf("%d thread(s), read loop: %.1f GB/s%n", team.width(), bytes / best);
  }

  /** The C library's memchr for a byte that no weight has: a vector loop over all of the memory. */
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

  private static void feedForward(Arena arena, MemorySegment weights, Pair team, Kernels kernels) {
    for (int tokens : new int[] {1, 6, 64}) {
      if (kernels.tier() == Tier.SCALAR && tokens > 1) {
        continue;
      }
      MemorySegment x = arena.allocate(4L * tokens * HIDDEN, 64);
      MemorySegment inner = arena.allocate(4L * tokens * INNER, 64);
      MemorySegment gates = arena.allocate(4L * tokens, 64);
      MemorySegment ids = arena.allocate(4L * tokens, 64);
      for (int t = 0; t < tokens; t++) {
        ids.setAtIndex(JAVA_INT, t, t);
      }
      double best = Double.MAX_VALUE;
      try (FfnBatch batch = new FfnBatch(SHAPE, 1)) {
        MemorySegment partial = arena.allocate(x.byteSize(), 64);
        MemorySegment out = arena.allocate(x.byteSize(), 64);
        for (int round = 0; round < ROUNDS * (tokens == 1 ? EXPERTS : 2); round++) {
          MemorySegment expert =
              weights.asSlice(round % EXPERTS * SHAPE.weightBytes(), SHAPE.weightBytes());
          long fc1 = 4L * SHAPE.rows1() * HIDDEN;
          batch.begin(tokens, 1, x, inner, partial, gates, out, team.width());
          batch.add(ExpertWeights.of(expert.asSlice(0, fc1), expert.asSlice(fc1)), ids, tokens);
          long start = System.nanoTime();
          team.run(p -> kernels.run(Step.UP, batch, p));
          team.run(p -> kernels.run(Step.DOWN, batch, p));
          best = Math.min(best, (double) (System.nanoTime() - start));
        }
      }
      double bytes = SHAPE.weightBytes();
      double flops = bytes / 4 * 2 * tokens;
      System.out.printf(
          "%d thread(s), %s, %d token(s): %.0f µs, %.1f GB/s, %.0f GFLOP/s%n",
          team.width(), kernels.tier().id(), tokens, best / 1e3, bytes / best, flops / best);
    }
  }

  private static void routing(Arena arena, Kernels kernels) {
    int[][] shapes = {{8, 2}, {64, 8}, {128, 8}, {256, 8}, {1024, 16}};
    for (int[] shape : shapes) {
      int experts = shape[0];
      int k = shape[1];
      MemorySegment[] logits = new MemorySegment[512];
      Random random = new Random(1);
      for (int i = 0; i < logits.length; i++) {
        logits[i] = arena.allocate(4L * experts, 64);
        for (int e = 0; e < experts; e++) {
          logits[i].setAtIndex(JAVA_FLOAT, e, (float) random.nextGaussian());
        }
      }
      MemorySegment residents = arena.allocate(8L * ((experts + 63) / 64), 64);
      for (int word = 0; word < (experts + 63) / 64; word++) {
        residents.setAtIndex(JAVA_LONG, word, 0xaaaaaaaaaaaaaaaaL);
      }
      MemorySegment ids = arena.allocate(4L * k, 64);
      MemorySegment weights = arena.allocate(4L * k, 64);
      System.out.printf(
          "%s, %d of %d: top-k %.0f ns, weights over all %.0f ns, over the selected %.0f ns%n",
          kernels.tier().id(),
          k,
          experts,
          nanos(
              i ->
                  sink = kernels.topK(logits[i], experts, residents, 0.15f, k, Ties.LOWER_ID, ids)),
          nanos(i -> kernels.gateWeights(logits[i], experts, ids, k, Denominator.ALL, weights)),
          nanos(
              i -> kernels.gateWeights(logits[i], experts, ids, k, Denominator.SELECTED, weights)));
    }
  }

  private static double nanos(IntConsumer call) {
    double best = Double.MAX_VALUE;
    for (int round = 0; round < 60; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < 2048; i++) {
        call.accept(i & 511);
      }
      best = Math.min(best, (System.nanoTime() - start) / 2048.0);
    }
    return best;
  }

  /** The caller, and if asked one helper that spins for work: no wake-up times in the figures. */
  private static final class Pair implements AutoCloseable {
    private final int width;
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private volatile IntConsumer work;

    Pair(int width) {
      this.width = width;
      if (width == 2) {
        Thread.ofPlatform().daemon().start(this::help);
      }
    }

    int width() {
      return width;
    }

    void run(IntConsumer parts) {
      if (width == 2) {
        work = parts;
        asked.incrementAndGet();
      }
      parts.accept(0);
      while (width == 2 && done.get() != asked.get()) {
        Thread.onSpinWait();
      }
    }

    private void help() {
      for (int next = 1; ; next++) {
        while (asked.get() < next) {
          Thread.onSpinWait();
        }
        if (work == null) {
          return;
        }
        work.accept(1);
        done.set(next);
      }
    }

    @Override
    public void close() {
      work = null;
      asked.incrementAndGet();
    }
  }
}
