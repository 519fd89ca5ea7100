package dev.warmgate.examples;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import dev.warmgate.generate.GenAiConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The model that ships with the examples. */
final class ExampleModel {
  static final String PROMPT = "And it came to pass";

  private ExampleModel() {}

  /** The one that {@code demo} runs. */
  static Path directory() {
    return directories().getFirst();
  }

  static List<Path> directories() {
    try (Stream<Path> folders =
        Files.list(Path.of(System.getProperty("warmgate.home"), "examples", "model"))) {
      return folders.filter(GenAiConfig::isPresent).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
  }

  /**
   * A folder whose configuration is the model's, but for one replacement, and whose weights are the
   * model's own.
   */
  static Path changed(Path folder, String target, String replacement) throws IOException {
    GenAiConfig config = GenAiConfig.read(directory());
    String json = Files.readString(directory().resolve(GenAiConfig.FILE_NAME));
    String changed =
        json.replace("\"" + config.model().getFileName() + "\"", "\"" + absolute(config) + "\"")
            .replaceFirst(target, replacement);
    Files.writeString(folder.resolve(GenAiConfig.FILE_NAME), changed);
    return folder;
  }

  private static String absolute(GenAiConfig config) {
    return config.model().toAbsolutePath().normalize().toString();
  }
}
