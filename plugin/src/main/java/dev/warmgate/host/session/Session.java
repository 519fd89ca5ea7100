package dev.warmgate.host.session;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.onnx.ElementType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** A model in a session whose MoE nodes Warmgate serves. Many threads may run it at a time. */
public final class Session implements AutoCloseable {
  private static final String PROVIDER = "Warmgate";
  private static final int FATAL_ONLY = 4;

  private final SessionApi api = SessionApi.get();
  private final Arena arena = Arena.ofShared();
  private final Map<String, Long> names = new HashMap<>();
  private final long session;
  private final List<TensorSpec> inputs = new ArrayList<>();
  private final List<TensorSpec> outputs;

  private Session(long session) {
    this.session = session;
    inputs.addAll(
        specs(
            new Kind(
                SessionAbi.SESSION_GET_INPUT_COUNT,
                SessionAbi.SESSION_GET_INPUT_NAME,
                SessionAbi.SESSION_GET_INPUT_TYPE_INFO,
                false)));
    inputs.addAll(
        specs(
            new Kind(
                SessionAbi.SESSION_GET_OVERRIDABLE_INITIALIZER_COUNT,
                SessionAbi.SESSION_GET_OVERRIDABLE_INITIALIZER_NAME,
                SessionAbi.SESSION_GET_OVERRIDABLE_INITIALIZER_TYPE_INFO,
                true)));
    outputs =
        specs(
            new Kind(
                SessionAbi.SESSION_GET_OUTPUT_COUNT,
                SessionAbi.SESSION_GET_OUTPUT_NAME,
                SessionAbi.SESSION_GET_OUTPUT_TYPE_INFO,
                false));
  }

  /** Functions that count, name and describe. */
  private record Kind(int count, int name, int typeInfo, boolean optional) {}

  /**
   * Opens a model; the provider must be registered.
   *
   * @param threads of ONNX Runtime, if not as many as it likes
   * @param options Warmgate's session options, already checked
   * @throws SessionException if ONNX Runtime, or the provider, can't use the model
   */
  public static Session open(Path model, OptionalInt threads, Map<String, String> options) {
    SessionApi api = SessionApi.get();
    long settings = api.make(SessionAbi.CREATE_SESSION_OPTIONS);
    try (Arena arena = Arena.ofConfined()) {
      api.set(SessionAbi.SET_SESSION_LOG_SEVERITY_LEVEL, settings, FATAL_ONLY);
      if (threads.isPresent()) {
        api.set(SessionAbi.SET_INTRA_OP_NUM_THREADS, settings, threads.getAsInt());
      }
      addProvider(api, arena, settings, options);
      long path = arena.allocateFrom(model.toString()).address();
      long session = api.make(SessionAbi.CREATE_SESSION, api.environment(), path, settings);
      try {
        return new Session(session);
      } catch (RuntimeException | Error e) {
        api.release(SessionAbi.RELEASE_SESSION, session);
        throw e;
      }
    } finally {
      api.release(SessionAbi.RELEASE_SESSION_OPTIONS, settings);
    }
  }

  private static void addProvider(
      SessionApi api, Arena arena, long settings, Map<String, String> options) {
    MemorySegment found = arena.allocate(JAVA_LONG, 2);
    api.call(SessionAbi.GET_EP_DEVICES, api.environment(), found.address(), found.address() + 8);
    long devices = found.getAtIndex(JAVA_LONG, 0);
    long count = found.getAtIndex(JAVA_LONG, 1);
    MemorySegment keys = arena.allocate(JAVA_LONG, Math.max(1, options.size()));
    MemorySegment values = arena.allocate(JAVA_LONG, Math.max(1, options.size()));
    int next = 0;
    for (Map.Entry<String, String> option : options.entrySet()) {
      keys.setAtIndex(JAVA_LONG, next, arena.allocateFrom(option.getKey()).address());
      values.setAtIndex(JAVA_LONG, next++, arena.allocateFrom(option.getValue()).address());
    }
    for (long i = 0; i < count; i++) {
      // SAFETY: ONNX Runtime owns the list, which has that many devices.
      if (api.providerName(Native.pointer(devices + 8 * i)).equals(PROVIDER)) {
        api.addProvider(settings, devices + 8 * i, keys.address(), values.address(), next);
        return;
      }
    }
    throw new SessionException("ONNX Runtime has no device for Warmgate");
  }

  private List<TensorSpec> specs(Kind kind) {
    List<TensorSpec> specs = new ArrayList<>();
    long count = api.make(kind.count, session);
    for (long i = 0; i < count; i++) {
      long text = api.make(kind.name, session, i, api.allocator());
      String name = Native.string(text);
      names.computeIfAbsent(name, n -> arena.allocateFrom(n).address());
      api.call(SessionAbi.ALLOCATOR_FREE, api.allocator(), text);
      long typeInfo = api.make(kind.typeInfo, session, i);
      try {
        specs.add(spec(name, typeInfo, kind.optional));
      } finally {
        api.release(SessionAbi.RELEASE_TYPE_INFO, typeInfo);
      }
    }
    return specs;
  }

  private TensorSpec spec(String name, long typeInfo, boolean optional) {
    long tensor = api.make(SessionAbi.CAST_TYPE_INFO_TO_TENSOR_INFO, typeInfo);
    if (tensor == 0) {
      return new TensorSpec(name, ElementType.UNKNOWN, List.of(), List.of(), optional);
    }
    ElementType type = ElementType.of((int) api.make(SessionAbi.GET_TENSOR_ELEMENT_TYPE, tensor));
    int rank = (int) api.make(SessionAbi.GET_DIMENSIONS_COUNT, tensor);
    List<Long> dims = new ArrayList<>();
    List<String> symbols = new ArrayList<>();
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment sizes = scratch.allocate(JAVA_LONG, Math.max(rank, 1));
      MemorySegment texts = scratch.allocate(JAVA_LONG, Math.max(rank, 1));
      api.call(SessionAbi.GET_DIMENSIONS, tensor, sizes.address(), rank);
      api.call(SessionAbi.GET_SYMBOLIC_DIMENSIONS, tensor, texts.address(), rank);
      for (int i = 0; i < rank; i++) {
        dims.add(sizes.getAtIndex(JAVA_LONG, i));
        symbols.add(Native.string(texts.getAtIndex(JAVA_LONG, i)));
      }
    }
    return new TensorSpec(name, type, dims, symbols, optional);
  }

  /** The inputs, those that may be left out last. */
  public List<TensorSpec> inputs() {
    return List.copyOf(inputs);
  }

  /** The outputs. */
  public List<TensorSpec> outputs() {
    return outputs;
  }

  /**
   * Runs the model.
   *
   * @param fed inputs by name
   * @param wanted names of outputs
   * @param results of the same length: where it has a tensor, the output is written there; where it
   *     is null, ONNX Runtime makes one, which the caller closes
   * @throws SessionException if the run fails; no tensor was made then
   */
  public void run(
      Map<String, Tensor> fed, List<String> wanted, Tensor[] results, RunControl control) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment inputNames = scratch.allocate(JAVA_LONG, Math.max(1, fed.size()));
      MemorySegment inputValues = scratch.allocate(JAVA_LONG, Math.max(1, fed.size()));
      int next = 0;
      for (Map.Entry<String, Tensor> input : fed.entrySet()) {
        inputNames.setAtIndex(JAVA_LONG, next, names.get(input.getKey()));
        inputValues.setAtIndex(JAVA_LONG, next++, input.getValue().value());
      }
      MemorySegment outputNames = scratch.allocate(JAVA_LONG, wanted.size());
      MemorySegment outputValues = scratch.allocate(JAVA_LONG, wanted.size());
      for (int i = 0; i < wanted.size(); i++) {
        outputNames.setAtIndex(JAVA_LONG, i, names.get(wanted.get(i)));
        outputValues.setAtIndex(JAVA_LONG, i, results[i] == null ? 0 : results[i].value());
      }
      api.run(
          session,
          control.options(),
          inputNames.address(),
          inputValues.address(),
          fed.size(),
          outputNames.address(),
          wanted.size(),
          outputValues.address());
      for (int i = 0; i < wanted.size(); i++) {
        if (results[i] == null) {
          results[i] = new Tensor(outputValues.getAtIndex(JAVA_LONG, i));
        }
      }
    }
  }

  /** Closes the session; no thread runs it any more. */
  @Override
  public void close() {
    api.release(SessionAbi.RELEASE_SESSION, session);
    arena.close();
  }
}
