package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The running range Δ of a plan, learnt by any number of threads that don't wait for one another.
 *
 * <p>Every stripe keeps a Δ of its own, beside the published Δ that it is based on, in one word; a
 * thread learns in the stripe of its number. What the stripe has learnt is published once it is
 * more than {@link #MATERIAL} of Δ, and the others add the difference to theirs with their next
 * token. So threads write a line that others read once in a hundred tokens or so, not with each.
 *
 * <p>One thread alone has the Δ of the definition in {@link Kernels#route}, to the bit. With T
 * stripes in use Δ is never further than {@code 2(T−1)·MATERIAL} of the largest Δ from what one
 * thread would have learnt from the same tokens in the same order: the sum of all that is held back
 * follows the definition, but for learning from a Δ that lacks the other stripes' shares, each
 * below {@code MATERIAL}; and what a thread sees lacks these once more. Two threads on one stripe
 * (there are more threads than stripes, or their numbers clash) may lose one another's tokens when
 * they learn at the same time, which delays what Δ learns and does no other harm.
 *
 * <p>{@code learn} in route.h does the same to the same memory.
 */
final class SharedRange {
  /** What may be held back, as a share of Δ. */
  static final float MATERIAL = 1f / 32;

  /** Far enough apart for processors that fetch lines in pairs. */
  static final long STRIDE = 128;

  static final int STRIPES = 32;

  private static final VarHandle WORD = JAVA_LONG.varHandle();
  private static final VarHandle BITS = JAVA_INT.varHandle();

  private final MemorySegment memory;
  private final int stripes;

  /**
   * Over a plan's structs, {@link #STRIDE} apart, and the published Δ behind them.
   *
   * @param stripes a power of two
   */
  SharedRange(MemorySegment memory, int stripes) {
    this.memory = memory;
    this.stripes = stripes;
  }

  /** Where the calling thread's struct is. */
  long offset() {
    return (Thread.currentThread().threadId() & (stripes - 1)) * STRIDE;
  }

  /** Δ as the calling thread sees it. */
  float get() {
    return value(current(offset()));
  }

  /** For a thread that has the plan for itself. */
  void set(float range) {
    BITS.setOpaque(memory, stripes * STRIDE, Float.floatToRawIntBits(range));
    WORD.setOpaque(memory, offset() + RouteLayout.HELD, word(range, range));
  }

  /** Learns a token's range; gives Δ now. */
  float learn(float now, float rate) {
    long offset = offset();
    long word = current(offset);
    float range = value(word);
    float base = base(word);
    float learnt = Math.min(range == 0 ? now : range + rate * (now - range), Float.MAX_VALUE);
    if (Math.abs(learnt - base) > base * MATERIAL
        && BITS.compareAndSet(
            memory,
            stripes * STRIDE,
            Float.floatToRawIntBits(base),
            Float.floatToRawIntBits(learnt))) {
      base = learnt;
    }
    WORD.setOpaque(memory, offset + RouteLayout.HELD, word(learnt, base));
    return learnt;
  }

  /** A stripe's word, with what others have published since it was written. */
  private long current(long offset) {
    long word = (long) WORD.getOpaque(memory, offset + RouteLayout.HELD);
    float published = Float.intBitsToFloat((int) BITS.getOpaque(memory, stripes * STRIDE));
    if (base(word) == published) {
      return word;
    }
    float value = published + (value(word) - base(word));
    return word(Math.clamp(value, 0, Float.MAX_VALUE), published);
  }

  private static float value(long word) {
    return Float.intBitsToFloat((int) word);
  }

  private static float base(long word) {
    return Float.intBitsToFloat((int) (word >>> Integer.SIZE));
  }

  private static long word(float value, float base) {
    return (long) Float.floatToRawIntBits(base) << Integer.SIZE
        | Integer.toUnsignedLong(Float.floatToRawIntBits(value));
  }
}
