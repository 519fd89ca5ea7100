package dev.warmgate.triton;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A model repository that a test fills. */
record Repository(Path folder) {
  /** What a user writes at least. */
  static final String MINIMAL = "backend: \"warmgate\"\n";

  /** Writes a model's file. */
  interface Writer {
    void write(Path file) throws IOException;
  }

  /** Adds a model, or replaces it. */
  Repository add(String name, String config, Writer writer) throws IOException {
    Path version = Files.createDirectories(folder.resolve(name).resolve("1"));
    Files.writeString(folder.resolve(name).resolve("config.pbtxt"), config);
    writer.write(version.resolve("model.onnx"));
    return this;
  }

  /** A configuration with session options. */
  static String config(String... keysAndValues) {
    StringBuilder config = new StringBuilder(MINIMAL);
    for (int i = 0; i < keysAndValues.length; i += 2) {
      config.append(
          "parameters { key: \"%s\" value: { string_value: \"%s\" } }%n"
              .formatted(keysAndValues[i], keysAndValues[i + 1]));
    }
    return config.toString();
  }
}
