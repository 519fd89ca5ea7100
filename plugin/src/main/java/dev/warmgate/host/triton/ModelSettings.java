package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.host.ffi.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * What Triton says of a model.
 *
 * @param name in the repository
 * @param version the folder's number
 * @param folder of the version
 * @param config {@code config.pbtxt} as JSON, with Triton's defaults
 * @param mode what the model does
 * @param maxSequences how many texts are written at a time
 * @param options Warmgate's session options, checked
 */
record ModelSettings(
    String name,
    long version,
    Path folder,
    JsonObject config,
    Mode mode,
    int maxSequences,
    Map<String, String> options) {
  private static final String MODE = "mode";
  private static final String MAX_SEQUENCES = "max_sequences";
  private static final int DEFAULT_SEQUENCES = 16;
  private static final int CONFIG_VERSION = 1;

  /** What a model does. */
  enum Mode {
    /** Tensors in, tensors out. */
    INFER,
    /** Text in, text out. */
    GENERATE
  }

  /** Keeps the options as they are now. */
  ModelSettings {
    options = Map.copyOf(options);
  }

  /**
   * Asks Triton.
   *
   * @throws TritonException if a parameter is unknown or makes no sense
   */
  static ModelSettings read(long model) {
    String name = Native.string(Core.get(Core.MODEL_NAME, model));
    long version = Core.get(Core.MODEL_VERSION, model);
    JsonObject config = JsonParser.parseString(config(model)).getAsJsonObject();
    try {
      Map<String, String> parameters = parameters(config);
      Mode mode = mode(parameters.remove(MODE));
      int sequences = sequences(parameters.remove(MAX_SEQUENCES));
      checkOptions(parameters);
      Path folder = Path.of(repository(model), Long.toString(version));
      return new ModelSettings(name, version, folder, config, mode, sequences, parameters);
    } catch (IllegalArgumentException e) {
      throw TritonException.invalid("model '%s', config.pbtxt: %s", name, e.getMessage());
    }
  }

  /** Says the parameters that only Triton knows too, when it names what is known. */
  private static void checkOptions(Map<String, String> parameters) {
    List<String> known = new ArrayList<>(List.of(MODE, MAX_SEQUENCES));
    known.addAll(WarmgateOptions.names());
    for (String parameter : parameters.keySet()) {
      if (!known.contains(parameter)) {
        throw new IllegalArgumentException(
            "unknown parameter '%s'; known: %s".formatted(parameter, String.join(", ", known)));
      }
    }
    WarmgateOptions.parse(parameters);
  }

  private static Mode mode(String given) {
    if (given == null || given.equals("infer")) {
      return Mode.INFER;
    }
    if (given.equals("generate")) {
      return Mode.GENERATE;
    }
    throw new IllegalArgumentException(
        "parameter mode: '%s' is not one of infer, generate".formatted(given));
  }

  private static int sequences(String given) {
    if (given == null) {
      return DEFAULT_SEQUENCES;
    }
    if (given.matches("[1-9]\\d{0,3}")) {
      return Integer.parseInt(given);
    }
    throw new IllegalArgumentException(
        "parameter max_sequences: '%s' is not a number from 1 to 9999".formatted(given));
  }

  private static Map<String, String> parameters(JsonObject config) {
    Map<String, String> parameters = new TreeMap<>();
    if (config.get("parameters") instanceof JsonObject given) {
      for (Map.Entry<String, JsonElement> entry : given.entrySet()) {
        JsonElement value = entry.getValue().getAsJsonObject().get("string_value");
        parameters.put(entry.getKey(), value == null ? "" : value.getAsString());
      }
    }
    return parameters;
  }

  /** The file of the model in {@link Mode#INFER}. */
  Path modelFile() {
    JsonElement given = config.get("default_model_filename");
    boolean named = given != null && !given.getAsString().isEmpty();
    return folder.resolve(named ? given.getAsString() : "model.onnx");
  }

  /** The most requests of a batch; 0 if requests have no batch dimension. */
  int maxBatchSize() {
    JsonElement given = config.get("max_batch_size");
    return given == null ? 0 : given.getAsInt();
  }

  /** The number of threads of ONNX Runtime, if told. */
  OptionalInt threads() {
    return WarmgateOptions.parse(options).threads();
  }

  /** Whether Triton lets the backend complete the configuration. */
  static boolean completes(long model) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      Core.MODEL_AUTO_COMPLETE.call(model, out);
      return Native.bool(out);
    }
  }

  /** Gives Triton a completed configuration. */
  static void set(long model, JsonObject config) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG).address();
      byte[] json = config.toString().getBytes(StandardCharsets.UTF_8);
      MemorySegment text = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, json);
      Core.MESSAGE_FROM_JSON.call(out, text.address(), json.length);
      long message = Native.pointer(out);
      try {
        Core.MODEL_SET_CONFIG.call(model, CONFIG_VERSION, message);
      } finally {
        Core.MESSAGE_DELETE.call(message);
      }
    }
  }

  private static String config(long model) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG, 2).address();
      Core.MODEL_CONFIG.call(model, CONFIG_VERSION, out);
      long message = Native.pointer(out);
      try {
        Core.MESSAGE_TO_JSON.call(message, out, out + 8);
        return Native.text(Native.pointer(out), Native.pointer(out + 8));
      } finally {
        Core.MESSAGE_DELETE.call(message);
      }
    }
  }

  private static String repository(long model) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_LONG, 2).address();
      Core.MODEL_REPOSITORY.call(model, out, out + 8);
      return Native.string(Native.pointer(out + 8));
    }
  }
}
