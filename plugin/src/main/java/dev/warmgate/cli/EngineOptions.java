package dev.warmgate.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** Options of the commands that run a model. */
final class EngineOptions {
  @Option(
      names = "--expert-memory",
      paramLabel = "SIZE",
      description = "Memory for experts: 512m, 8g, 35%% (of the model's expert bytes) or auto.")
  private String expertMemory;

  @Option(
      names = "--routing",
      paramLabel = "MODE",
      description = "How experts are selected; lossless is the model's own selection.")
  private String routing;

  @Option(names = "--threads", paramLabel = "N", description = "Threads that compute.")
  private Integer threads;

  @Option(
      names = "--option",
      paramLabel = "KEY=VALUE",
      description = "Any other session option, for instance tier=avx2.")
  private final Map<String, String> others = new LinkedHashMap<>();

  /** Sets an option that a command has a flag of its own for. */
  void set(String key, String value) {
    others.put(key, value);
  }

  /** Sets an option that this command has another default for than a session. */
  void setDefault(String key, String value) {
    others.putIfAbsent(key, value);
  }

  /** For comparisons: nothing that an earlier run learned, unless it was asked for. */
  void startCold() {
    setDefault("warm_start", "off");
  }

  /** The session options of the plugin as they were given, unchecked. */
  Map<String, String> sessionOptions() {
    Map<String, String> options = new LinkedHashMap<>(others);
    if (expertMemory != null) {
      options.put("expert_memory", expertMemory);
    }
    if (routing != null) {
      options.put("routing", routing);
    }
    if (threads != null) {
      options.put("threads", threads.toString());
    }
    return options;
  }

  /** Threads of ONNX Runtime, if told. */
  OptionalInt threads() {
    String given = sessionOptions().get("threads");
    return given == null || given.equals("auto")
        ? OptionalInt.empty()
        : OptionalInt.of(Integer.parseInt(given));
  }
}
