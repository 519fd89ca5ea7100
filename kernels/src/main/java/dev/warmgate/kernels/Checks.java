package dev.warmgate.kernels;

import static java.lang.String.format;

import java.lang.foreign.MemorySegment;

/** The checks on entry, the same for all tiers. They allocate only when they throw. */
final class Checks {
  private Checks() {}

  /** Whether a segment stands for "absent". */
  static boolean isNull(MemorySegment segment) {
    return segment.isNative() && segment.address() == 0;
  }

  /** That a segment is alive and holds at least {@code count} items of {@code width} bytes. */
  static void holds(MemorySegment segment, long count, long width, String name) {
    if (segment.byteSize() < count * width) {
      throw new IllegalArgumentException(
          format("%s has %d bytes, needs %d", name, segment.byteSize(), count * width));
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalArgumentException(name + " is already closed");
    }
  }

  static void floats(MemorySegment segment, long count, String name) {
    holds(segment, count, Float.BYTES, name);
  }

  /** The same of a segment that is written: native code would not notice that it must not. */
  static void takes(MemorySegment segment, long count, long width, String name) {
    holds(segment, count, width, name);
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only");
    }
  }

  static void takesFloats(MemorySegment segment, long count, String name) {
    takes(segment, count, Float.BYTES, name);
  }

  static void count(long value, String name) {
    if (value < 0) {
      throw new IllegalArgumentException(format("%s is %d, must not be negative", name, value));
    }
  }

  static void topK(
      MemorySegment logits,
      int experts,
      MemorySegment residents,
      float bias,
      int k,
      MemorySegment ids) {
    count(experts, "experts");
    count(k, "k");
    floats(logits, experts, "logits");
    if (!isNull(residents)) {
      holds(residents, ((long) experts + 63) >>> 6, Long.BYTES, "residents");
    }
    if (!Float.isFinite(bias)) {
      throw new IllegalArgumentException(format("bias is %s, must be finite", bias));
    }
    takes(ids, k, Integer.BYTES, "ids");
  }

  static void gateWeights(
      MemorySegment logits, int experts, MemorySegment ids, int k, MemorySegment weights) {
    count(experts, "experts");
    count(k, "k");
    floats(logits, experts, "logits");
    holds(ids, k, Integer.BYTES, "ids");
    takesFloats(weights, k, "weights");
  }

  static void route(
      RoutePlan plan,
      float lambda,
      MemorySegment logits,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras) {
    if (!plan.isOpen()) {
      throw new IllegalStateException("the plan is closed");
    }
    if (!(lambda >= 0 && lambda <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          format("lambda is %s, must be finite and not negative", lambda));
    }
    count(tokens, "tokens");
    long slots = (long) tokens * plan.topK();
    floats(logits, (long) tokens * plan.experts(), "logits");
    if (!isNull(residents)) {
      holds(residents, (plan.experts() + 63) >>> 6, Long.BYTES, "residents");
    }
    takes(ids, slots, Integer.BYTES, "ids");
    takesFloats(weights, slots, "weights");
    if (!extras.isNone()) {
      takesIfWanted(extras.displaced(), slots, Integer.BYTES, "displaced");
      takesIfWanted(extras.kept(), tokens, Float.BYTES, "kept");
      takesIfWanted(extras.misses(), tokens, Integer.BYTES, "misses");
    }
  }

  private static void takesIfWanted(MemorySegment segment, long count, long width, String name) {
    if (!isNull(segment)) {
      takes(segment, count, width, name);
    }
  }

  static void decay(MemorySegment values, int count) {
    count(count, "count");
    takesFloats(values, count, "values");
  }

  static void widen(MemorySegment halves, MemorySegment floats, long count) {
    count(count, "count");
    holds(halves, count, Short.BYTES, "halves");
    takesFloats(floats, count, "floats");
  }

  static void narrow(MemorySegment floats, MemorySegment halves, long count) {
    count(count, "count");
    floats(floats, count, "floats");
    takes(halves, count, Short.BYTES, "halves");
  }

  static void run(FfnBatch batch, int part) {
    if (!batch.argument().scope().isAlive()) {
      throw new IllegalStateException("the batch is closed");
    }
    if (part < 0 || part >= batch.parts()) {
      throw new IllegalArgumentException(
          format("part %d is outside 0..%d of the batch", part, batch.parts() - 1));
    }
  }

  static IllegalArgumentException badId() {
    return new IllegalArgumentException("ids holds an id that is neither -1 nor an expert");
  }
}
