package dev.warmgate.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Native memory for scratch buffers, counted. */
public final class NativeMemory {
  private static final AtomicLong IN_USE = new AtomicLong();

  private NativeMemory() {}

  /** Bytes allocated and not yet closed. */
  public static long bytesInUse() {
    return IN_USE.get();
  }

  /** Zeroed memory, 64-byte aligned, that any thread may close once it is no longer used. */
  public static Block allocate(long bytes) {
    return new Block(bytes);
  }

  /** A counted allocation. Closing it twice is harmless. */
  public static final class Block implements AutoCloseable {
    private static final long CACHE_LINE = 64;

    private final Arena arena = Arena.ofShared();
    private final AtomicBoolean open = new AtomicBoolean(true);
    private final MemorySegment memory;

    private Block(long bytes) {
      memory = arena.allocate(bytes, CACHE_LINE);
      IN_USE.addAndGet(bytes);
    }

    /** All of it; not to be used after {@link #close}. */
    public MemorySegment memory() {
      return memory;
    }

    @Override
    public void close() {
      if (open.compareAndSet(true, false)) {
        long bytes = memory.byteSize();
        arena.close();
        IN_USE.addAndGet(-bytes);
      }
    }
  }
}
