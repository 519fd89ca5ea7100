package dev.warmgate.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The bit set of resident experts of one layer, in native memory, so that kernels read it as it is.
 *
 * <p>Bits are set and cleared atomically and read without locks. A reader that holds no lease may
 * find a bit out of date the moment after.
 */
public final class ResidencyMask {
  private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

  private final MemorySegment words;
  private final int experts;

  /**
   * An empty mask.
   *
   * @param experts of the layer
   * @param arena owns the words, for as long as the cache lives
   */
  ResidencyMask(int experts, Arena arena) {
    this.experts = experts;
    this.words = arena.allocate(ValueLayout.JAVA_LONG, (experts + 63) / 64);
  }

  /** The words, u64, least significant bit first: bit {@code e} is expert {@code e}. */
  public MemorySegment words() {
    return words;
  }

  /** Whether the expert is resident just now. */
  public boolean contains(int expert) {
    return ((long) WORD.getAcquire(words, wordOffset(expert)) >>> expert & 1) != 0;
  }

  /** How many experts are resident just now. */
  public int cardinality() {
    int count = 0;
    for (long offset = 0; offset < words.byteSize(); offset += Long.BYTES) {
      count += Long.bitCount((long) WORD.getAcquire(words, offset));
    }
    return count;
  }

  /** Whether all experts are resident just now. */
  public boolean isFull() {
    return cardinality() == experts;
  }

  void set(int expert) {
    long _ = (long) WORD.getAndBitwiseOr(words, wordOffset(expert), 1L << expert);
  }

  void clear(int expert) {
    long _ = (long) WORD.getAndBitwiseAnd(words, wordOffset(expert), ~(1L << expert));
  }

  private long wordOffset(int expert) {
    if (expert < 0 || expert >= experts) {
      throw new IndexOutOfBoundsException("expert %d of %d".formatted(expert, experts));
    }
    return (expert >>> 6) * (long) Long.BYTES;
  }
}
