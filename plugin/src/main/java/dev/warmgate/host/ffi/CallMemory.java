package dev.warmgate.host.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A little native memory of each thread, for what one call takes and gives. An arena for each call
 * costs more than many of the calls.
 *
 * <p>What is in it is valid until this thread asks for it again. So nobody holds it over a call
 * that may come back into Java on the same thread, such as the run of a session.
 */
public final class CallMemory {
  private static final long ALIGNMENT = 16;
  private static final long INITIAL_BYTES = 512;

  // Of the collector's: a thread of the host ends without a word.
  private static final ThreadLocal<MemorySegment> MEMORY =
      ThreadLocal.withInitial(() -> allocate(INITIAL_BYTES));

  private CallMemory() {}

  private static MemorySegment allocate(long bytes) {
    return Arena.ofAuto().allocate(bytes, ALIGNMENT);
  }

  /** At least so many bytes, with anything in them. */
  public static MemorySegment of(long bytes) {
    MemorySegment memory = MEMORY.get();
    if (memory.byteSize() < bytes) {
      memory = allocate(bytes);
      MEMORY.set(memory);
    }
    return memory;
  }
}
