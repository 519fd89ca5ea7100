package dev.warmgate.host.ort;

import dev.warmgate.onnx.OnnxModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The file that a session's model came from, read when it is first asked for, and kept. */
final class ModelFile {
  private final Optional<Path> path;
  private Optional<OnnxModel> model = Optional.empty();

  /**
   * The file.
   *
   * @param path as ONNX Runtime says it; empty if the model came from memory
   */
  ModelFile(String path) {
    this.path =
        path.isEmpty() ? Optional.empty() : Optional.of(Path.of(path).toAbsolutePath().normalize());
  }

  /** Where it is, unless the model came from memory. */
  Optional<Path> path() {
    return path;
  }

  /**
   * What it says, unless the model came from memory. Such a model may have a path too, of a file
   * that isn't there: ONNX Runtime makes it up where the host says which folder external data is
   * in.
   *
   * @throws IOException in one line, if it can't be read
   */
  Optional<OnnxModel> model() throws IOException {
    if (model.isEmpty() && path.filter(Files::exists).isPresent()) {
      model = Optional.of(OnnxModel.read(path.get()));
    }
    return model;
  }

  /** Gives up what was read. */
  void forget() {
    model = Optional.empty();
  }
}
