package dev.warmgate.host.ort;

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
 * <p>SAFETY: the one segment here spans all memory. Every offset given to it is a pointer that ONNX
 * Runtime just handed over, or one of our own structs, within its documented size.
 */
final class Native {
  private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final Linker LINKER = Linker.nativeLinker();

  private Native() {}

  /** A handle that takes the function's address as its first argument. */
  static MethodHandle function(MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(FunctionDescriptor.of(result, arguments));
  }

  /** A handle for a function without result. */
  static MethodHandle procedure(MemoryLayout... arguments) {
    return LINKER.downcallHandle(FunctionDescriptor.ofVoid(arguments));
  }

  static long pointer(long address) {
    return EVERYTHING.get(ValueLayout.JAVA_LONG, address);
  }

  static void putPointer(long address, long value) {
    EVERYTHING.set(ValueLayout.JAVA_LONG, address, value);
  }

  static boolean bool(long address) {
    return EVERYTHING.get(ValueLayout.JAVA_BYTE, address) != 0;
  }

  /** The C string at an address; empty for a null pointer. */
  static String string(long address) {
    return address == 0 ? "" : EVERYTHING.getString(address, StandardCharsets.UTF_8);
  }

  /** A view of memory of the host. */
  static MemorySegment view(long address, long bytes) {
    return EVERYTHING.asSlice(address, bytes);
  }
}
