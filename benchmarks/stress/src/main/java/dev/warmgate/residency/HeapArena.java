package dev.warmgate.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory on the Java heap, which ends with its last user: jcstress makes tests by the million and
 * tells of no end.
 */
final class HeapArena implements Arena {
  @Override
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    // The elements of a long[] are aligned for any of our values.
    return MemorySegment.ofArray(new long[Math.toIntExact((byteSize + 7) / Long.BYTES)]);
  }

  @Override
  public MemorySegment.Scope scope() {
    return Arena.global().scope();
  }

  @Override
  public void close() {
    // The collector does it.
  }
}
