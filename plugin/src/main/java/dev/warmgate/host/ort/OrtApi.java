package dev.warmgate.host.ort;

import static dev.warmgate.host.ffi.OrtCalls.POINTER_1;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_2;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_3;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_4;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_5;
import static dev.warmgate.host.ffi.OrtCalls.VOID_1;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ffi.OrtCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * ONNX Runtime's C API, as far as the provider calls it: {@code OrtApi} and {@code OrtEpApi} of
 * version 23, which every later version begins with.
 *
 * <p>A method is one call: it passes its arguments, turns an {@code OrtStatus} into an {@link
 * OrtCallException}, and returns the result. Pointers are longs.
 */
final class OrtApi {
  /** The version of the API that is asked for. */
  static final int VERSION = 23; // ORT_API_VERSION

  /** The version of the API that custom ops ask for. */
  static final int CUSTOM_OP_VERSION = 17;

  /** ONNX Runtime's error codes that the provider uses. */
  static final int FAIL = 1; // ORT_FAIL

  static final int INVALID_ARGUMENT = 2; // ORT_INVALID_ARGUMENT

  static final int WARNING = 2; // ORT_LOGGING_LEVEL_WARNING

  private static final int ATTRIBUTE_INT = 1; // ORT_OP_ATTR_INT
  private static final int ATTRIBUTE_FLOAT = 3; // ORT_OP_ATTR_FLOAT
  private static final int ATTRIBUTE_STRING = 5; // ORT_OP_ATTR_STRING

  private static final MethodHandle GET_EP_API = Native.function(JAVA_LONG);
  private static final MethodHandle CREATE_STATUS = Native.function(JAVA_LONG, JAVA_INT, JAVA_LONG);
  private static final MethodHandle INT_1 = Native.function(JAVA_INT, JAVA_LONG);
  private static final MethodHandle VOID_4 =
      Native.procedure(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
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
    kernelContextGetInput = function(OrtAbi.KERNEL_CONTEXT_GET_INPUT);
    kernelContextGetOutput = function(OrtAbi.KERNEL_CONTEXT_GET_OUTPUT);
    getTensorMutableData = function(OrtAbi.GET_TENSOR_MUTABLE_DATA);
    getTensorTypeAndShape = function(OrtAbi.GET_TENSOR_TYPE_AND_SHAPE);
    getDimensionsCount = function(OrtAbi.GET_DIMENSIONS_COUNT);
    getDimensions = function(OrtAbi.GET_DIMENSIONS);
    releaseTensorTypeAndShapeInfo = function(OrtAbi.RELEASE_TENSOR_TYPE_AND_SHAPE_INFO);
    parallelFor = function(OrtAbi.KERNEL_CONTEXT_PARALLEL_FOR);
  }

  /**
   * The API of the host.
   *
   * @param apiBase the {@code OrtApiBase} that it handed over
   * @throws IllegalStateException if the host is older than API 23
   */
  static OrtApi of(long apiBase) {
    return of(apiBase, VERSION);
  }

  /**
   * The API of the host, as much of it as custom ops need: nothing of plugin providers.
   *
   * @param apiBase the {@code OrtApiBase} that it handed over
   * @throws IllegalStateException if the host is older than API 17
   */
  static OrtApi forCustomOps(long apiBase) {
    return of(apiBase, CUSTOM_OP_VERSION);
  }

  private static OrtApi of(long apiBase, int version) {
    try {
      long api = OrtCalls.api(apiBase, version);
      if (api == 0) {
        throw new IllegalStateException(
            "Warmgate needs ONNX Runtime 1.%d or newer".formatted(version));
      }
      if (version < VERSION) {
        return new OrtApi(api, 0);
      }
      long epApi =
          (long) GET_EP_API.invokeExact(target(Native.pointer(api + 8L * OrtAbi.GET_EP_API)));
      return new OrtApi(api, epApi);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** A new {@code OrtStatus}; ONNX Runtime copies the message and frees the status. */
  long createStatus(int code, String message) {
    try (Arena arena = Arena.ofConfined()) {
      return (long)
          CREATE_STATUS.invokeExact(
              function(OrtAbi.CREATE_STATUS), code, arena.allocateFrom(message).address());
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Whether a hardware device is the CPU. */
  boolean isCpu(long hardwareDevice) {
    try {
      return (int) INT_1.invokeExact(function(OrtAbi.HARDWARE_DEVICE_TYPE), hardwareDevice) == 0;
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Makes an {@code OrtEpDevice}, which ONNX Runtime owns. */
  long createEpDevice(long factory, long hardwareDevice) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check(
          (long)
              STATUS_5.invokeExact(
                  epFunction(OrtAbi.EP_CREATE_EP_DEVICE), factory, hardwareDevice, 0L, 0L, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Claims a single node, whose constant inputs ONNX Runtime need not keep. */
  void claim(long supportInfo, long node) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment nodes = arena.allocateFrom(JAVA_LONG, node);
      MemorySegment options = arena.allocate(OrtAbi.FUSION_BYTES, 4);
      options.set(JAVA_INT, 0, VERSION);
      options.set(JAVA_BOOLEAN, OrtAbi.FUSION_DROP_CONSTANT_INITIALIZERS, true);
      check(
          (long)
              STATUS_4.invokeExact(
                  epFunction(OrtAbi.EP_EP_GRAPH_SUPPORT_INFO_ADD_NODES_TO_FUSE),
                  supportInfo,
                  nodes.address(),
                  1L,
                  options.address()));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** All entries of a session's configuration. */
  Map<String, String> configEntries(long sessionOptions) {
    Map<String, String> entries = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG, 3).address();
      check(
          (long)
              STATUS_2.invokeExact(
                  function(OrtAbi.GET_SESSION_OPTIONS_CONFIG_ENTRIES), sessionOptions, out));
      long pairs = Native.pointer(out);
      VOID_4.invokeExact(function(OrtAbi.GET_KEY_VALUE_PAIRS), pairs, out, out + 8, out + 16);
      long keys = Native.pointer(out);
      long values = Native.pointer(out + 8);
      for (long i = 0; i < Native.pointer(out + 16); i++) {
        entries.put(
            Native.string(Native.pointer(keys + 8 * i)),
            Native.string(Native.pointer(values + 8 * i)));
      }
      VOID_1.invokeExact(function(OrtAbi.RELEASE_KEY_VALUE_PAIRS), pairs);
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
                  function(OrtAbi.LOGGER_LOG_MESSAGE),
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
      check((long) STATUS_2.invokeExact(function(OrtAbi.GRAPH_GET_PARENT_NODE), graph, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The nodes of a graph. */
  long[] graphNodes(long graph) {
    return list(graph, OrtAbi.GRAPH_GET_NUM_NODES, OrtAbi.GRAPH_GET_NODES);
  }

  /** The path of the model's file; empty if it was loaded from memory. */
  String graphModelPath(long graph) {
    return string(graph, OrtAbi.GRAPH_GET_MODEL_PATH);
  }

  String nodeName(long node) {
    return string(node, OrtAbi.NODE_GET_NAME);
  }

  String nodeOperatorType(long node) {
    return string(node, OrtAbi.NODE_GET_OPERATOR_TYPE);
  }

  String nodeDomain(long node) {
    return string(node, OrtAbi.NODE_GET_DOMAIN);
  }

  /** The inputs of a node as {@code OrtValueInfo}s, 0 where an optional one is absent. */
  long[] nodeInputs(long node) {
    return list(node, OrtAbi.NODE_GET_NUM_INPUTS, OrtAbi.NODE_GET_INPUTS);
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
    return string(valueInfo, OrtAbi.GET_VALUE_INFO_NAME);
  }

  boolean isConstant(long valueInfo) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check(
          (long)
              STATUS_2.invokeExact(
                  function(OrtAbi.VALUE_INFO_IS_CONSTANT_INITIALIZER), valueInfo, out));
      return Native.bool(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The element type and dimensions (−1: not fixed) of a value; empty if it is no tensor. */
  Optional<TensorType> tensorType(long valueInfo) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      check((long) STATUS_2.invokeExact(function(OrtAbi.GET_VALUE_INFO_TYPE_INFO), valueInfo, out));
      long typeInfo = Native.pointer(out);
      if (typeInfo == 0) {
        return Optional.empty();
      }
      check(
          (long)
              STATUS_2.invokeExact(function(OrtAbi.CAST_TYPE_INFO_TO_TENSOR_INFO), typeInfo, out));
      long tensorInfo = Native.pointer(out);
      if (tensorInfo == 0) {
        return Optional.empty();
      }
      check((long) STATUS_2.invokeExact(function(OrtAbi.GET_TENSOR_ELEMENT_TYPE), tensorInfo, out));
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
      check(
          (long)
              STATUS_2.invokeExact(
                  function(OrtAbi.VALUE_INFO_GET_EXTERNAL_INITIALIZER_INFO), valueInfo, out));
      long info = Native.pointer(out);
      if (info == 0) {
        return Optional.empty();
      }
      String path =
          Native.string(
              (long)
                  POINTER_1.invokeExact(
                      function(OrtAbi.EXTERNAL_INITIALIZER_INFO_GET_FILE_PATH), info));
      long offset =
          (long)
              POINTER_1.invokeExact(
                  function(OrtAbi.EXTERNAL_INITIALIZER_INFO_GET_FILE_OFFSET), info);
      long bytes =
          (long)
              POINTER_1.invokeExact(function(OrtAbi.EXTERNAL_INITIALIZER_INFO_GET_BYTE_SIZE), info);
      VOID_1.invokeExact(function(OrtAbi.RELEASE_EXTERNAL_INITIALIZER_INFO), info);
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
      check(
          (long)
              STATUS_2.invokeExact(
                  function(OrtAbi.VALUE_INFO_GET_INITIALIZER_VALUE), valueInfo, out));
      long value = Native.pointer(out);
      check((long) STATUS_2.invokeExact(function(OrtAbi.GET_TENSOR_SIZE_IN_BYTES), value, out));
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
              STATUS_3.invokeExact(
                  function(OrtAbi.NODE_GET_ATTRIBUTE_BY_NAME),
                  node,
                  arena.allocateFrom(name).address(),
                  out));
      long attribute = Native.pointer(out);
      if (attribute == 0) {
        return -1;
      }
      check(
          (long)
              READ_ATTRIBUTE.invokeExact(
                  function(OrtAbi.READ_OP_ATTR), attribute, type, data, bytes, out));
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

  /**
   * Frees a status.
   *
   * @throws OrtCallException with its message, if it is one of failure
   */
  void check(long status) throws Throwable {
    if (status != 0) {
      String message =
          Native.string((long) POINTER_1.invokeExact(function(OrtAbi.GET_ERROR_MESSAGE), status));
      VOID_1.invokeExact(function(OrtAbi.RELEASE_STATUS), status);
      throw new OrtCallException(message);
    }
  }

  /** The {@code index}-th function of {@code OrtApi}. */
  MemorySegment function(int index) {
    return target(Native.pointer(api + 8L * index));
  }

  private MemorySegment epFunction(int index) {
    return target(Native.pointer(epApi + 8L * index));
  }

  private static MemorySegment target(long address) {
    return MemorySegment.ofAddress(address);
  }
}
