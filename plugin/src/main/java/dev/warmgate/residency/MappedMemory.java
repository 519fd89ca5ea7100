package dev.warmgate.residency;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Page-aligned anonymous memory straight from the operating system, which takes real memory only
 * where it is written.
 *
 * <p>SAFETY: the segment has the global scope, so that slots can be handed to file channels and
 * kernels without a liveness check; in exchange the owner calls {@link #close} only after the last
 * user is gone.
 */
final class MappedMemory implements AutoCloseable {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000;
  private static final int MADV_HUGEPAGE = 14;
  private static final long HUGE_PAGE = 2L << 20;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MMAP =
      bind(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MUNMAP =
      bind(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private static final MethodHandle MADVISE =
      bind(
          "madvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));

  private static final AtomicLong MAPPED = new AtomicLong();

  private final MemorySegment segment;
  private final AtomicBoolean open = new AtomicBoolean(true);

  /**
   * Maps memory that reads as zero.
   *
   * @param bytes at least 1
   * @throws OutOfMemoryError if the system has no such range of addresses
   */
  MappedMemory(long bytes) {
    try {
      long address =
          (long)
              MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
      if (address == -1) {
        throw new OutOfMemoryError("can't map %d bytes for expert slots".formatted(bytes));
      }
      if (bytes >= HUGE_PAGE) {
        // Advice only: where huge pages are not allowed, nothing changes.
        int _ = (int) MADVISE.invokeExact(address, bytes, MADV_HUGEPAGE);
      }
      segment = MemorySegment.ofAddress(address).reinterpret(bytes);
      MAPPED.addAndGet(bytes);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  MemorySegment segment() {
    return segment;
  }

  /** Bytes that are mapped now, in the whole process. */
  static long bytesMapped() {
    return MAPPED.get();
  }

  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      try {
        int _ = (int) MUNMAP.invokeExact(segment.address(), segment.byteSize());
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
      MAPPED.addAndGet(-segment.byteSize());
    }
  }

  private static MethodHandle bind(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
  }
}
