package dev.warmgate.generate;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Native memory that is used again and again, and grows when more is asked for. Its content is lost
 * then. For one thread at a time, of which there may be several one after the other.
 */
final class Scratch implements AutoCloseable {
  private static final long ALIGNMENT = 64;

  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  /** At least so many bytes, valid until the next call. */
  MemorySegment of(long bytes) {
    if (memory.byteSize() < bytes) {
      arena.close();
      arena = Arena.ofShared();
      memory = arena.allocate(Math.max(bytes, 2 * memory.byteSize()), ALIGNMENT);
    }
    return memory;
  }

  @Override
  public void close() {
    arena.close();
  }
}
