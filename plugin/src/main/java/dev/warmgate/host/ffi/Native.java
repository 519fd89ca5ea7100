package dev.warmgate.host.ffi;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * C memory seen from Java: pointers are plain longs, so that no object is made for each.
 *
 * <p>SAFETY: the one segment here spans all memory. Every offset given to it is a pointer that a
 * host just handed over, or one of our own structs, within its documented size.
 */
public final class Native {
  private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final Linker LINKER = Linker.nativeLinker();

  private Native() {}

  /** The error or unchecked exception that a call by a method handle threw. */
  public static RuntimeException rethrow(Throwable e) {
    if (e instanceof RuntimeException runtime) {
      return runtime;
    }
    if (e instanceof Error error) {
      throw error;
    }
    throw new AssertionError(e);
  }

  /** A handle that takes the function's address as its first argument. */
  public static MethodHandle function(MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(FunctionDescriptor.of(result, arguments));
  }

  /** A handle for a function without result. */
  public static MethodHandle procedure(MemoryLayout... arguments) {
    return LINKER.downcallHandle(FunctionDescriptor.ofVoid(arguments));
  }

  /** Reads a pointer, or any 64-bit number. */
  public static long pointer(long address) {
    return EVERYTHING.get(ValueLayout.JAVA_LONG, address);
  }

  /** Writes a pointer, or any 64-bit number. */
  public static void putPointer(long address, long value) {
    EVERYTHING.set(ValueLayout.JAVA_LONG, address, value);
  }

  /** Reads a 32-bit number. */
  public static int integer(long address) {
    return EVERYTHING.get(ValueLayout.JAVA_INT, address);
  }

  /** Reads a C++ {@code bool}. */
  public static boolean bool(long address) {
    return EVERYTHING.get(ValueLayout.JAVA_BYTE, address) != 0;
  }

  /** The C string at an address; empty for a null pointer. */
  public static String string(long address) {
    return address == 0 ? "" : EVERYTHING.getString(address, StandardCharsets.UTF_8);
  }

  /** The text in memory of the host that no zero ends. */
  public static String text(long address, long bytes) {
    byte[] content = view(address, bytes).toArray(ValueLayout.JAVA_BYTE);
    return new String(content, StandardCharsets.UTF_8);
  }

  /** A view of memory of the host. */
  public static MemorySegment view(long address, long bytes) {
    return EVERYTHING.asSlice(address, bytes);
  }
}
