package dev.warmgate.host.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The kinds of function that ONNX Runtime's C API has most of, as handles that take the function's
 * address first. A name tells what comes back and how many pointers, or numbers as wide, go in. A
 * status is null, or an {@code OrtStatus} that the caller frees.
 */
public final class OrtCalls {
  public static final MethodHandle POINTER_1 = Native.function(JAVA_LONG, JAVA_LONG);
  public static final MethodHandle VOID_1 = Native.procedure(JAVA_LONG);
  public static final MethodHandle STATUS_1 = Native.function(JAVA_LONG, JAVA_LONG);
  public static final MethodHandle STATUS_2 = Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG);
  public static final MethodHandle STATUS_3 =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  public static final MethodHandle STATUS_4 =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  public static final MethodHandle STATUS_5 =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

  private static final MethodHandle GET_API = Native.function(JAVA_LONG, JAVA_INT);

  private OrtCalls() {}

  /**
   * The {@code OrtApi} of a version.
   *
   * @param apiBase the host's {@code OrtApiBase}, which lives as long as the process
   * @return 0 if the host is older
   */
  public static long api(long apiBase, int version) {
    try {
      MemorySegment getApi = MemorySegment.ofAddress(Native.pointer(apiBase));
      return (long) GET_API.invokeExact(getApi, version);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }
}
