package dev.warmgate.cli;

import dev.warmgate.generate.GenAiConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a {@code MODEL} argument stands for.
 *
 * @param file the ONNX file
 * @param config of the GenAI folder that the file is the model of
 */
record ModelFiles(Path file, Optional<GenAiConfig> config) {

  /**
   * Finds the ONNX file.
   *
   * @param model an ONNX file or a folder in GenAI's layout
   * @throws IOException if there is none
   */
  static ModelFiles of(Path model) throws IOException {
    if (Files.isDirectory(model)) {
      GenAiConfig config = GenAiConfig.read(model);
      return new ModelFiles(config.model(), Optional.of(config));
    }
    if (!Files.exists(model)) {
      throw new IOException(model + ": no such file");
    }
    Path folder = model.toAbsolutePath().getParent();
    if (GenAiConfig.isPresent(folder)) {
      GenAiConfig config = GenAiConfig.read(folder);
      if (Files.isSameFile(config.model(), model)) {
        return new ModelFiles(model, Optional.of(config));
      }
    }
    return new ModelFiles(model, Optional.empty());
  }
}
