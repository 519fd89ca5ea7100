package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.CallMemory;
import dev.warmgate.host.ffi.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Triton's C API, as far as the backend calls it. Each constant is one function with its exact C
 * signature; callers see pointers and numbers as longs. A function that answers with a {@code
 * TRITONSERVER_Error} throws it.
 *
 * <p>SAFETY: the core is loaded, since it is what called us. Every pointer that goes in is one that
 * the core handed over and that is still valid by its rules, or an address in memory that the
 * caller keeps until the call returns.
 */
final class Core {
  private static final SymbolLookup LIBRARY =
      SymbolLookup.libraryLookup("libtritonserver.so", Arena.global());
  private static final Map<String, FunctionDescriptor> DESCRIPTORS = new TreeMap<>();

  private static final MemoryLayout POINTER = JAVA_LONG;

  static final Function BACKEND_SET_EXECUTION_POLICY =
      function("TRITONBACKEND_BackendSetExecutionPolicy", POINTER, JAVA_INT);
  static final Function ADD_PREFERRED_INSTANCES =
      function(
          "TRITONBACKEND_BackendAttributeAddPreferredInstanceGroup",
          POINTER,
          JAVA_INT,
          JAVA_LONG,
          POINTER,
          JAVA_LONG);

  static final Function MODEL_NAME = function("TRITONBACKEND_ModelName", POINTER, POINTER);
  static final Function MODEL_VERSION = function("TRITONBACKEND_ModelVersion", POINTER, POINTER);
  static final Function MODEL_REPOSITORY =
      function("TRITONBACKEND_ModelRepository", POINTER, POINTER, POINTER);
  static final Function MODEL_CONFIG =
      function("TRITONBACKEND_ModelConfig", POINTER, JAVA_INT, POINTER);
  static final Function MODEL_AUTO_COMPLETE =
      function("TRITONBACKEND_ModelAutoCompleteConfig", POINTER, POINTER);
  static final Function MODEL_SET_CONFIG =
      function("TRITONBACKEND_ModelSetConfig", POINTER, JAVA_INT, POINTER);
  static final Function INSTANCE_MODEL =
      function("TRITONBACKEND_ModelInstanceModel", POINTER, POINTER);
  static final Function INSTANCE_KIND =
      function("TRITONBACKEND_ModelInstanceKind", POINTER, POINTER);
  static final Function REPORT_STATISTICS =
      function(
          "TRITONBACKEND_ModelInstanceReportStatistics",
          POINTER,
          POINTER,
          JAVA_BOOLEAN,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);
  static final Function REPORT_BATCH =
      function(
          "TRITONBACKEND_ModelInstanceReportBatchStatistics",
          POINTER,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG);

  static final Function REQUEST_INPUT_COUNT =
      function("TRITONBACKEND_RequestInputCount", POINTER, POINTER);
  static final Function REQUEST_INPUT =
      function("TRITONBACKEND_RequestInputByIndex", POINTER, JAVA_INT, POINTER);
  static final Function REQUEST_OUTPUT_COUNT =
      function("TRITONBACKEND_RequestOutputCount", POINTER, POINTER);
  static final Function REQUEST_OUTPUT_NAME =
      function("TRITONBACKEND_RequestOutputName", POINTER, JAVA_INT, POINTER);
  static final Function REQUEST_CANCELLED =
      function("TRITONBACKEND_RequestIsCancelled", POINTER, POINTER);
  static final Function REQUEST_TIMEOUT =
      function("TRITONBACKEND_InferenceRequestTimeoutMicroseconds", POINTER, POINTER);
  static final Function REQUEST_RELEASE =
      function("TRITONBACKEND_RequestRelease", POINTER, JAVA_INT);
  static final Function INPUT_PROPERTIES =
      function(
          "TRITONBACKEND_InputProperties",
          POINTER,
          POINTER,
          POINTER,
          POINTER,
          POINTER,
          POINTER,
          POINTER);
  static final Function INPUT_BUFFER =
      function("TRITONBACKEND_InputBuffer", POINTER, JAVA_INT, POINTER, POINTER, POINTER, POINTER);

  static final Function RESPONSE_NEW = function("TRITONBACKEND_ResponseNew", POINTER, POINTER);
  static final Function FACTORY_NEW =
      function("TRITONBACKEND_ResponseFactoryNew", POINTER, POINTER);
  static final Function FACTORY_DELETE = function("TRITONBACKEND_ResponseFactoryDelete", POINTER);
  static final Function FACTORY_SEND_FLAGS =
      function("TRITONBACKEND_ResponseFactorySendFlags", POINTER, JAVA_INT);
  static final Function RESPONSE_NEW_FROM_FACTORY =
      function("TRITONBACKEND_ResponseNewFromFactory", POINTER, POINTER);
  static final Function RESPONSE_DELETE = function("TRITONBACKEND_ResponseDelete", POINTER);
  static final Function RESPONSE_OUTPUT =
      function(
          "TRITONBACKEND_ResponseOutput", POINTER, POINTER, POINTER, JAVA_INT, POINTER, JAVA_INT);
  static final Function OUTPUT_BUFFER =
      function("TRITONBACKEND_OutputBuffer", POINTER, POINTER, JAVA_LONG, POINTER, POINTER);
  static final Function RESPONSE_SEND =
      function("TRITONBACKEND_ResponseSend", POINTER, JAVA_INT, POINTER);

  static final Function MESSAGE_FROM_JSON =
      function("TRITONSERVER_MessageNewFromSerializedJson", POINTER, POINTER, JAVA_LONG);
  static final Function MESSAGE_TO_JSON =
      function("TRITONSERVER_MessageSerializeToJson", POINTER, POINTER, POINTER);
  static final Function MESSAGE_DELETE = function("TRITONSERVER_MessageDelete", POINTER);
  static final Function LOG =
      function("TRITONSERVER_LogMessage", JAVA_INT, POINTER, JAVA_INT, POINTER);

  static final Function FAMILY_NEW =
      function("TRITONSERVER_MetricFamilyNew", POINTER, JAVA_INT, POINTER, POINTER);
  static final Function FAMILY_DELETE = function("TRITONSERVER_MetricFamilyDelete", POINTER);
  static final Function METRIC_NEW =
      function("TRITONSERVER_MetricNew", POINTER, POINTER, POINTER, JAVA_LONG);
  static final Function METRIC_DELETE = function("TRITONSERVER_MetricDelete", POINTER);
  private static final MethodHandle METRIC_SET =
      downcall("TRITONSERVER_MetricSet", FunctionDescriptor.of(POINTER, POINTER, JAVA_DOUBLE));
  private static final MethodHandle METRIC_INCREMENT =
      downcall(
          "TRITONSERVER_MetricIncrement", FunctionDescriptor.of(POINTER, POINTER, JAVA_DOUBLE));

  private static final MethodHandle ERROR_NEW =
      downcall("TRITONSERVER_ErrorNew", FunctionDescriptor.of(POINTER, JAVA_INT, POINTER));
  private static final MethodHandle ERROR_DELETE =
      downcall("TRITONSERVER_ErrorDelete", FunctionDescriptor.ofVoid(POINTER));
  private static final MethodHandle ERROR_CODE =
      downcall("TRITONSERVER_ErrorCode", FunctionDescriptor.of(JAVA_INT, POINTER));
  private static final MethodHandle ERROR_MESSAGE =
      downcall("TRITONSERVER_ErrorMessage", FunctionDescriptor.of(POINTER, POINTER));
  private static final MethodHandle PARAMETER_NEW =
      downcall(
          "TRITONSERVER_ParameterNew", FunctionDescriptor.of(POINTER, POINTER, JAVA_INT, POINTER));
  private static final MethodHandle PARAMETER_DELETE =
      downcall("TRITONSERVER_ParameterDelete", FunctionDescriptor.ofVoid(POINTER));

  private static final int STRING_PARAMETER = 0;
  private static final int WARNING = 1;

  private Core() {}

  /** A C function that answers with an error or null, seen as one of longs. */
  record Function(MethodHandle handle) {
    void call(long a) {
      try {
        check((long) handle.invokeExact(a));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }

    void call(long a, long b) {
      try {
        check((long) handle.invokeExact(a, b));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }

    void call(long a, long b, long c) {
      try {
        check((long) handle.invokeExact(a, b, c));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }

    void call(long a, long b, long c, long d) {
      try {
        check((long) handle.invokeExact(a, b, c, d));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }

    void call(long a, long b, long c, long d, long e) {
      try {
        check((long) handle.invokeExact(a, b, c, d, e));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }

    void call(long a, long b, long c, long d, long e, long f) {
      try {
        check((long) handle.invokeExact(a, b, c, d, e, f));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }

    void call(long a, long b, long c, long d, long e, long f, long g) {
      try {
        check((long) handle.invokeExact(a, b, c, d, e, f, g));
      } catch (Throwable t) {
        throw Native.rethrow(t);
      }
    }
  }

  private static Function function(String name, MemoryLayout... parameters) {
    MethodHandle exact = downcall(name, FunctionDescriptor.of(POINTER, parameters));
    Class<?>[] longs = new Class<?>[parameters.length];
    Arrays.fill(longs, long.class);
    return new Function(
        MethodHandles.explicitCastArguments(exact, MethodType.methodType(long.class, longs)));
  }

  private static MethodHandle downcall(String name, FunctionDescriptor descriptor) {
    DESCRIPTORS.put(name, descriptor);
    return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), descriptor);
  }

  /** The signature of every function that is called, to be compared with the core's header. */
  static Map<String, FunctionDescriptor> descriptors() {
    return Map.copyOf(DESCRIPTORS);
  }

  private static void check(long error) throws Throwable {
    if (error != 0) {
      int code = (int) ERROR_CODE.invokeExact(error);
      String message = Native.string((long) ERROR_MESSAGE.invokeExact(error));
      ERROR_DELETE.invokeExact(error);
      throw new TritonException(TritonException.Code.of(code), message);
    }
  }

  /** A new {@code TRITONSERVER_Error}; who gets it frees it. */
  static long newError(TritonException.Code code, String message) {
    try (Arena arena = Arena.ofConfined()) {
      return (long) ERROR_NEW.invokeExact(code.number(), arena.allocateFrom(message).address());
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  static void deleteError(long error) {
    try {
      ERROR_DELETE.invokeExact(error);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Calls a function whose last parameter points to its result, and returns that. */
  static long get(Function function, long a) {
    long out = CallMemory.of(Long.BYTES).address();
    function.call(a, out);
    return Native.pointer(out);
  }

  /** Calls a function whose first parameter points to its result, and returns that. */
  static long create(Function function, long a) {
    long out = CallMemory.of(Long.BYTES).address();
    function.call(out, a);
    return Native.pointer(out);
  }

  /** A new metric of a family, with labels in the order given. */
  static long newMetric(long family, Map<String, String> labels) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      long list = arena.allocate(JAVA_LONG, Math.max(1, labels.size())).address();
      int count = 0;
      try {
        for (Map.Entry<String, String> label : labels.entrySet()) {
          long parameter =
              (long)
                  PARAMETER_NEW.invokeExact(
                      arena.allocateFrom(label.getKey()).address(),
                      STRING_PARAMETER,
                      arena.allocateFrom(label.getValue()).address());
          Native.putPointer(list + 8L * count++, parameter);
        }
        METRIC_NEW.call(out, family, list, count);
        return Native.pointer(out);
      } finally {
        for (int i = 0; i < count; i++) {
          PARAMETER_DELETE.invokeExact(Native.pointer(list + 8L * i));
        }
      }
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Sets a gauge. */
  static void setMetric(long metric, double value) {
    try {
      check((long) METRIC_SET.invokeExact(metric, value));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Adds to a counter. */
  static void incrementMetric(long metric, double by) {
    try {
      check((long) METRIC_INCREMENT.invokeExact(metric, by));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Writes a line into Triton's log. */
  static void warn(String message) {
    try (Arena arena = Arena.ofConfined()) {
      long file = arena.allocateFrom("warmgate").address();
      LOG.call(WARNING, file, 0, arena.allocateFrom(message).address());
    }
  }
}
