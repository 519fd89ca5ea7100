package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Buffers right in front of a page that nobody may touch: an over-read kills the test run at once.
 * Bytes around a buffer hold a pattern, so that a stray write is seen when the memory is closed.
 */
final class GuardedMemory implements AutoCloseable {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final byte PATTERN = 0x5a;
  private static final MethodHandle MMAP =
      libc("mmap", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MPROTECT =
      libc("mprotect", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle MUNMAP = libc("munmap", JAVA_INT, ADDRESS, JAVA_LONG);

  private static final long PAGE = pageSize();
  private static final MemorySegment UNTOUCHED = MemorySegment.ofArray(new byte[(int) PAGE]);

  static {
    UNTOUCHED.fill(PATTERN);
  }

  private record Buffer(MemorySegment mapping, MemorySegment memory) {}

  private final List<Buffer> buffers = new ArrayList<>();
  private final int gap;

  /**
   * Memory for buffers that end {@code gap} bytes before a guard page.
   *
   * @param gap 0..3; 1 to 3 give addresses that are no multiple of 4
   */
  GuardedMemory(int gap) {
    this.gap = gap;
  }

  /** A buffer of that size, its bytes unset. */
  MemorySegment allocate(long bytes) {
    long usable = (bytes + gap + PAGE - 1) / PAGE * PAGE;
    try {
      // Safe: a fresh private mapping of this object, unmapped in close().
      MemorySegment mapping =
          ((MemorySegment)
                  MMAP.invokeExact(
                      MemorySegment.NULL,
                      usable + PAGE,
                      PROT_READ_WRITE,
                      MAP_PRIVATE_ANONYMOUS,
                      -1,
                      0L))
              .reinterpret(usable + PAGE);
      if (mapping.address() == -1) {
        throw new OutOfMemoryError("mmap failed");
      }
      if ((int) MPROTECT.invokeExact(mapping.asSlice(usable), PAGE, 0) != 0) {
        throw new AssertionError("mprotect failed");
      }
      MemorySegment page = mapping.asSlice(0, usable);
      page.fill(PATTERN);
      MemorySegment memory = page.asSlice(usable - gap - bytes, bytes);
      buffers.add(new Buffer(mapping, memory));
      return memory;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  MemorySegment floats(float... values) {
    return allocate((long) values.length * Float.BYTES).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment ints(int... values) {
    return allocate((long) values.length * Integer.BYTES).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment longs(long... values) {
    return allocate((long) values.length * Long.BYTES).copyFrom(MemorySegment.ofArray(values));
  }

  @Override
  public void close() {
    for (Buffer buffer : buffers) {
      long usable = buffer.mapping.byteSize() - PAGE;
      long from = buffer.memory.address() - buffer.mapping.address();
      expectPattern(buffer.mapping.asSlice(0, from));
      expectPattern(buffer.mapping.asSlice(usable - gap, gap));
      try {
        if ((int) MUNMAP.invokeExact(buffer.mapping, buffer.mapping.byteSize()) != 0) {
          throw new AssertionError("munmap failed");
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable t) {
        throw new AssertionError(t);
      }
    }
    buffers.clear();
  }

  private static void expectPattern(MemorySegment around) {
    if (around.mismatch(UNTOUCHED.asSlice(0, around.byteSize())) != -1) {
      throw new AssertionError("a byte outside of a buffer was written");
    }
  }

  private static long pageSize() {
    try {
      return (int) libc("getpagesize", JAVA_INT).invokeExact();
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  private static MethodHandle libc(String name, MemoryLayout result, MemoryLayout... parameters) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, parameters));
  }
}
