package dev.warmgate.host.session;

import static dev.warmgate.host.ffi.OrtCalls.POINTER_1;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_1;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_2;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_3;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_4;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_5;
import static dev.warmgate.host.ffi.OrtCalls.VOID_1;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ffi.OrtCalls;
import dev.warmgate.host.ffi.OrtLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * ONNX Runtime's C API, as far as running a session needs it. A method is one call: it passes its
 * arguments and turns an {@code OrtStatus} into a {@link SessionException}. Pointers are longs.
 *
 * <p>SAFETY: every address that comes in is that of an object that ONNX Runtime made and that its
 * owner has not released, or of memory that the caller keeps until the call returns.
 */
final class SessionApi {
  /** The API that the provider asks for too; all later ones begin with it. */
  private static final int VERSION = 23;

  private static final int FATAL_ONLY = 4;

  private static final MethodHandle STATUS_2_INT = Native.function(JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle STATUS_7 =
      Native.function(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle STATUS_8 =
      Native.function(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
          JAVA_LONG);
  private static final MethodHandle CREATE_ENV =
      Native.function(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle CPU_MEMORY =
      Native.function(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle WRAP =
      Native.function(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG);
  private static final MethodHandle ALLOCATE =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG);

  private static final SessionApi INSTANCE = new SessionApi();

  private final long api;

  // The functions of every run, looked up once.
  private final MemorySegment run;
  private final MemorySegment wrap;
  private final MemorySegment releaseValue;

  private final long environment;
  private final long cpuMemory;
  private final long allocator;

  private SessionApi() {
    try (Arena arena = Arena.ofConfined()) {
      api = OrtCalls.api(OrtLibrary.apiBase(), VERSION);
      run = function(SessionAbi.RUN);
      wrap = function(SessionAbi.CREATE_TENSOR_WITH_DATA_AS_ORT_VALUE);
      releaseValue = function(SessionAbi.RELEASE_VALUE);
      long out = arena.allocate(JAVA_LONG).address();
      long name = arena.allocateFrom("warmgate").address();
      // One environment a process: this is another reference to the one that is there.
      check((long) CREATE_ENV.invokeExact(function(SessionAbi.CREATE_ENV), FATAL_ONLY, name, out));
      environment = Native.pointer(out);
      int arenaAllocator = 1;
      int defaultMemory = 0;
      check(
          (long)
              CPU_MEMORY.invokeExact(
                  function(SessionAbi.CREATE_CPU_MEMORY_INFO), arenaAllocator, defaultMemory, out));
      cpuMemory = Native.pointer(out);
      check(
          (long)
              STATUS_1.invokeExact(function(SessionAbi.GET_ALLOCATOR_WITH_DEFAULT_OPTIONS), out));
      allocator = Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The API; the provider must be registered. */
  static SessionApi get() {
    return INSTANCE;
  }

  long environment() {
    return environment;
  }

  long allocator() {
    return allocator;
  }

  /** A call with the pointers given and one for the result, which it returns. */
  long make(int index, long... given) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      MemorySegment function = function(index);
      check(
          switch (given.length) {
            case 0 -> (long) STATUS_1.invokeExact(function, out);
            case 1 -> (long) STATUS_2.invokeExact(function, given[0], out);
            case 2 -> (long) STATUS_3.invokeExact(function, given[0], given[1], out);
            case 3 -> (long) STATUS_4.invokeExact(function, given[0], given[1], given[2], out);
            default -> throw new IllegalArgumentException("too many arguments");
          });
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  void call(int index, long a) {
    try {
      check((long) STATUS_1.invokeExact(function(index), a));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  void call(int index, long a, long b) {
    try {
      check((long) STATUS_2.invokeExact(function(index), a, b));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  void set(int index, long a, int number) {
    try {
      check((long) STATUS_2_INT.invokeExact(function(index), a, number));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  void call(int index, long a, long b, long c) {
    try {
      check((long) STATUS_3.invokeExact(function(index), a, b, c));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  void call(int index, long a, long b, long c, long d, long e) {
    try {
      check((long) STATUS_5.invokeExact(function(index), a, b, c, d, e));
    } catch (Throwable thrown) {
      throw Native.rethrow(thrown);
    }
  }

  /** {@code SessionOptionsAppendExecutionProvider_V2}. */
  void addProvider(long options, long devices, long keys, long values, long count) {
    try {
      check(
          (long)
              STATUS_7.invokeExact(
                  function(SessionAbi.SESSION_OPTIONS_APPEND_EXECUTION_PROVIDER_V2),
                  options,
                  environment,
                  devices,
                  1L,
                  keys,
                  values,
                  count));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** A function that takes a pointer and can't fail. */
  void release(int index, long object) {
    try {
      VOID_1.invokeExact(function(index), object);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** {@code EpDevice_EpName}. */
  String providerName(long device) {
    try {
      return Native.string(
          (long) POINTER_1.invokeExact(function(SessionAbi.EP_DEVICE_EP_NAME), device));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** {@code Run}; {@code options} may be null. */
  void run(
      long session,
      long options,
      long inputNames,
      long inputs,
      long inputCount,
      long outputNames,
      long outputCount,
      long outputs) {
    try {
      check(
          (long)
              STATUS_8.invokeExact(
                  run,
                  session,
                  options,
                  inputNames,
                  inputs,
                  inputCount,
                  outputNames,
                  outputCount,
                  outputs));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** {@code CreateTensorWithDataAsOrtValue}: a tensor over memory of the caller. */
  void wrap(long data, long bytes, long dims, int rank, int type, long out) {
    try {
      check((long) WRAP.invokeExact(wrap, cpuMemory, data, bytes, dims, (long) rank, type, out));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** {@code CreateTensorAsOrtValue}: a tensor in memory of ONNX Runtime. */
  void allocate(long dims, int rank, int type, long out) {
    try {
      check(
          (long)
              ALLOCATE.invokeExact(
                  function(SessionAbi.CREATE_TENSOR_AS_ORT_VALUE),
                  allocator,
                  dims,
                  (long) rank,
                  type,
                  out));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  void releaseValue(long value) {
    try {
      VOID_1.invokeExact(releaseValue, value);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private void check(long status) throws Throwable {
    if (status != 0) {
      String message =
          Native.string(
              (long) POINTER_1.invokeExact(function(SessionAbi.GET_ERROR_MESSAGE), status));
      VOID_1.invokeExact(function(SessionAbi.RELEASE_STATUS), status);
      throw new SessionException(message);
    }
  }

  private MemorySegment function(int index) {
    return target(Native.pointer(api + 8L * index));
  }

  private static MemorySegment target(long address) {
    return MemorySegment.ofAddress(address);
  }
}
