package dev.warmgate.host.ort;

import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Optional;

/**
 * ONNX Runtime's C API, as far as the provider calls it: {@code OrtApi} and {@code OrtEpApi} of
 * version 23, which every later version begins with.
 *
 * <p>A method is one call: it passes its arguments, turns an {@code OrtStatus} into an {@link
 * OrtCallException}, and returns the result. Pointers are longs.
 */
final class OrtApi {
  /** The version of the API that is asked for. */
  static final int VERSION = 23;

  /** ONNX Runtime's error codes that the provider uses. */
  static final int FAIL = 1;

  static final int INVALID_ARGUMENT = 2;

  static final int WARNING = 2;

  private static final int ATTRIBUTE_INT = 1;
  private static final int ATTRIBUTE_FLOAT = 3;
  private static final int ATTRIBUTE_STRING = 5;

  private static final MethodHandle GET_API = Native.function(JAVA_LONG, JAVA_INT);
  private static final MethodHandle GET_EP_API = Native.function(JAVA_LONG);
  private static final MethodHandle CREATE_STATUS = Native.function(JAVA_LONG, JAVA_INT, JAVA_LONG);
  private static final MethodHandle POINTER_1 = Native.function(JAVA_LONG, JAVA_LONG);
  private static final MethodHandle INT_1 = Native.function(JAVA_INT, JAVA_LONG);
  private static final MethodHandle VOID_1 = Native.procedure(JAVA_LONG);
  private static final MethodHandle VOID_4 =
      Native.procedure(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle STATUS_2 = Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle STATUS_3 =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle STATUS_4 =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle STATUS_5 =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle READ_ATTRIBUTE =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle LOG =
      Native.function(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG);

  private final long api;
  private final long epApi;

  // The functions of the hot path, looked up once.
  private final MemorySegment kernelContextGetInput;
  private final MemorySegment kernelContextGetOutput;
  private final MemorySegment getTensorMutableData;
  private final MemorySegment getTensorTypeAndShape;
  private final MemorySegment getDimensionsCount;
  private final MemorySegment getDimensions;
  private final MemorySegment releaseTensorTypeAndShapeInfo;
  private final MemorySegment parallelFor;

  private OrtApi(long api, long epApi) {
    this.api = api;
    this.epApi = epApi;
    kernelContextGetInput = function(90);
    kernelContextGetOutput = function(91);
    getTensorMutableData = function(51);
    getTensorTypeAndShape = function(65);
    getDimensionsCount = function(61);
    getDimensions = function(62);
    releaseTensorTypeAndShapeInfo = function(99);
    parallelFor = function(274);
  }

  /**
   * The API of the host.
   *
   * @param apiBase the {@code OrtApiBase} that it handed over
   * @throws IllegalStateException if the host is older than API 23
   */
  static OrtApi of(long apiBase) {
    try {
      long api = (long) GET_API.invokeExact(target(Native.pointer(apiBase)), VERSION);
      if (api == 0) {
        throw new IllegalStateException("Warmgate needs ONNX Runtime 1.23 or newer");
      }
      long epApi = (long) GET_EP_API.invokeExact(target(Native.pointer(api + 317 * 8)));
      return new OrtApi(api, epApi);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** A new {@code OrtStatus}; ONNX Runtime copies the message and frees the status. */
  long createStatus(int code, String message) {
    try (Arena arena = Arena.ofConfined()) {
      return (long)
          CREATE_STATUS.invokeExact(function(0), code, arena.allocateFrom(message).address());
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Whether a hardware device is the CPU. */
  boolean isCpu(long hardwareDevice) {
    try {
      return (int) INT_1.invokeExact(function(307), hardwareDevice) == 0;
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Makes an {@code OrtEpDevice}, which ONNX Runtime owns. */
  long createEpDevice(long factory, long hardwareDevice) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_5.invokeExact(epFunction(0), factory, hardwareDevice, 0L, 0L, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Claims a single node, whose constant inputs ONNX Runtime need not keep. */
  void claim(long supportInfo, long node) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment nodes = arena.allocateFrom(JAVA_LONG, node);
      MemorySegment options = arena.allocate(8, 4);
      options.set(JAVA_INT, 0, VERSION);
      options.set(JAVA_BOOLEAN, 4, true);
      check(
          (long)
              STATUS_4.invokeExact(
                  epFunction(16), supportInfo, nodes.address(), 1L, options.address()));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** All entries of a session's configuration. */
  Map<String, String> configEntries(long sessionOptions) {
    Map<String, String> entries = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG, 3).address();
      check((long) STATUS_2.invokeExact(function(379), sessionOptions, out));
      long pairs = Native.pointer(out);
      VOID_4.invokeExact(function(298), pairs, out, out + 8, out + 16);
      long keys = Native.pointer(out);
      long values = Native.pointer(out + 8);
      for (long i = 0; i < Native.pointer(out + 16); i++) {
        entries.put(
            Native.string(Native.pointer(keys + 8 * i)),
            Native.string(Native.pointer(values + 8 * i)));
      }
      VOID_1.invokeExact(function(300), pairs);
      return entries;
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Writes a line to the host's log. */
  void log(long logger, int severity, String message) {
    try (Arena arena = Arena.ofConfined()) {
      long where = arena.allocateFrom("warmgate").address();
      check(
          (long)
              LOG.invokeExact(
                  function(247),
                  logger,
                  severity,
                  arena.allocateFrom(message).address(),
                  where,
                  0,
                  where));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The node whose subgraph a graph is; 0 for a model's main graph. */
  long graphParentNode(long graph) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(346), graph, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The nodes of a graph. */
  long[] graphNodes(long graph) {
    return list(graph, 344, 345);
  }

  /** The path of the model's file; empty if it was loaded from memory. */
  String graphModelPath(long graph) {
    return string(graph, 334);
  }

  String nodeName(long node) {
    return string(node, 349);
  }

  String nodeOperatorType(long node) {
    return string(node, 350);
  }

  String nodeDomain(long node) {
    return string(node, 351);
  }

  /** The inputs of a node as {@code OrtValueInfo}s, 0 where an optional one is absent. */
  long[] nodeInputs(long node) {
    return list(node, 353, 354);
  }

  OptionalLong intAttribute(long node, String name) {
    try (Arena arena = Arena.ofConfined()) {
      long value = arena.allocate(JAVA_LONG).address();
      return readAttribute(node, name, ATTRIBUTE_INT, value, 8, arena) >= 0
          ? OptionalLong.of(Native.pointer(value))
          : OptionalLong.empty();
    }
  }

  OptionalDouble floatAttribute(long node, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_FLOAT);
      return readAttribute(node, name, ATTRIBUTE_FLOAT, value.address(), 4, arena) >= 0
          ? OptionalDouble.of(value.get(JAVA_FLOAT, 0))
          : OptionalDouble.empty();
    }
  }

  Optional<String> stringAttribute(long node, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(256);
      long length =
          readAttribute(node, name, ATTRIBUTE_STRING, value.address(), value.byteSize() - 1, arena);
      return length >= 0 ? Optional.of(value.getString(0)) : Optional.empty();
    }
  }

  String valueName(long valueInfo) {
    return string(valueInfo, 289);
  }

  boolean isConstant(long valueInfo) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(331), valueInfo, out));
      return Native.bool(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The element type and dimensions (−1: not fixed) of a value; empty if it is no tensor. */
  Optional<TensorType> tensorType(long valueInfo) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(290), valueInfo, out));
      long typeInfo = Native.pointer(out);
      if (typeInfo == 0) {
        return Optional.empty();
      }
      check((long) STATUS_2.invokeExact(function(55), typeInfo, out));
      long tensorInfo = Native.pointer(out);
      if (tensorInfo == 0) {
        return Optional.empty();
      }
      check((long) STATUS_2.invokeExact(function(60), tensorInfo, out));
      int elementType = (int) Native.pointer(out);
      check((long) STATUS_2.invokeExact(getDimensionsCount, tensorInfo, out));
      int rank = (int) Native.pointer(out);
      MemorySegment dims = arena.allocate(JAVA_LONG, Math.max(rank, 1));
      check((long) STATUS_3.invokeExact(getDimensions, tensorInfo, dims.address(), (long) rank));
      return Optional.of(
          new TensorType(
              elementType,
              Arrays.stream(dims.asSlice(0, 8L * rank).toArray(JAVA_LONG)).boxed().toList()));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /**
   * What a tensor is.
   *
   * @param dimensions −1 where not fixed
   */
  record TensorType(int elementType, List<Long> dimensions) {
    /** Of what is no tensor. */
    static final TensorType UNKNOWN = new TensorType(0, List.of());
  }

  /** Where an initializer is stored outside the model's file; empty if it is inside. */
  Optional<ExternalInitializer> externalInitializer(long valueInfo) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(327), valueInfo, out));
      long info = Native.pointer(out);
      if (info == 0) {
        return Optional.empty();
      }
      String path = Native.string((long) POINTER_1.invokeExact(function(370), info));
      long offset = (long) POINTER_1.invokeExact(function(371), info);
      long bytes = (long) POINTER_1.invokeExact(function(372), info);
      VOID_1.invokeExact(function(369), info);
      return Optional.of(new ExternalInitializer(path, offset, bytes));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /**
   * Where an initializer is.
   *
   * @param path as the model has it, relative to the model's folder
   */
  record ExternalInitializer(String path, long offset, long bytes) {}

  /** The content of an initializer, which ONNX Runtime owns during this call. */
  MemorySegment initializerData(long valueInfo) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(326), valueInfo, out));
      long value = Native.pointer(out);
      check((long) STATUS_2.invokeExact(function(318), value, out));
      long bytes = Native.pointer(out);
      return Native.view(tensorData(value, out), bytes);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  // The hot path: the caller brings memory for the results.

  /** The {@code OrtValue} of a node's input; 0 if it is absent. */
  long contextInput(long context, long index, long out) {
    try {
      check((long) STATUS_3.invokeExact(kernelContextGetInput, context, index, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Makes a node's output of the given shape. */
  long contextOutput(long context, long index, long dims, long rank, long out) {
    try {
      check((long) STATUS_5.invokeExact(kernelContextGetOutput, context, index, dims, rank, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The address of a tensor's elements. */
  long tensorData(long value, long out) {
    try {
      check((long) STATUS_2.invokeExact(getTensorMutableData, value, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /**
   * Reads a tensor's shape.
   *
   * @param dims room for {@code maxRank} dimensions
   * @return the rank
   * @throws OrtCallException if the rank is above {@code maxRank}
   */
  int tensorShape(long value, long dims, int maxRank, long out) {
    try {
      check((long) STATUS_2.invokeExact(getTensorTypeAndShape, value, out));
      long info = Native.pointer(out);
      try {
        check((long) STATUS_2.invokeExact(getDimensionsCount, info, out));
        long rank = Native.pointer(out);
        if (rank > maxRank) {
          throw new OrtCallException("a tensor has rank " + rank);
        }
        check((long) STATUS_3.invokeExact(getDimensions, info, dims, rank));
        return (int) rank;
      } finally {
        VOID_1.invokeExact(releaseTensorTypeAndShapeInfo, info);
      }
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /**
   * Runs {@code function(argument, 0..parts−1)} on the host's threads; returns when all are done.
   */
  void parallelFor(long context, long function, long parts, long argument) {
    try {
      check((long) STATUS_5.invokeExact(parallelFor, context, function, parts, parts, argument));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private long readAttribute(long node, String name, int type, long data, long bytes, Arena arena) {
    try {
      long out = arena.allocate(JAVA_LONG).address();
      check(
          (long)
              STATUS_3.invokeExact(function(361), node, arena.allocateFrom(name).address(), out));
      long attribute = Native.pointer(out);
      if (attribute == 0) {
        return -1;
      }
      check((long) READ_ATTRIBUTE.invokeExact(function(272), attribute, type, data, bytes, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private String string(long object, int index) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(index), object, out));
      return Native.string(Native.pointer(out));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private long[] list(long object, int countIndex, int listIndex) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(countIndex), object, out));
      long count = Native.pointer(out);
      MemorySegment items = arena.allocate(JAVA_LONG, Math.max(count, 1));
      check((long) STATUS_3.invokeExact(function(listIndex), object, items.address(), count));
      return items.asSlice(0, 8 * count).toArray(JAVA_LONG);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private void check(long status) throws Throwable {
    if (status != 0) {
      String message = Native.string((long) POINTER_1.invokeExact(function(2), status));
      VOID_1.invokeExact(function(93), status);
      throw new OrtCallException(message);
    }
  }

  private MemorySegment function(int index) {
    return target(Native.pointer(api + 8L * index));
  }

  private MemorySegment epFunction(int offset) {
    return target(Native.pointer(epApi + offset));
  }

  private static MemorySegment target(long address) {
    return MemorySegment.ofAddress(address);
  }
}
