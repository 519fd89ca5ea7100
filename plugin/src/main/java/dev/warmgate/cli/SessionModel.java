package dev.warmgate.cli;

import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.repack.Unpack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A model for as long as a session is made of it: the files themselves, or, if its experts are in a
 * store that the session couldn't read, an unpacked copy in a temporary folder. ONNX Runtime has
 * read or mapped all of the copy once the session is there.
 *
 * @param model the ONNX file
 * @param copy the folder of the copy, if there is one
 */
record SessionModel(Path model, Optional<TemporaryFolder> copy) implements AutoCloseable {

  static SessionModel asItIs(Path model) {
    return new SessionModel(model, Optional.empty());
  }

  /**
   * Unpacks a model if it has been repacked.
   *
   * @throws IOException if it can't be read, or there is no room for the copy
   */
  static SessionModel withoutStore(Path model) throws IOException {
    if (!Unpack.isNeeded(OnnxModel.read(model))) {
      return asItIs(model);
    }
    TemporaryFolder temporary = TemporaryFolder.create("warmgate-unpacked-");
    Path folder = temporary.path();
    SessionModel copy =
        new SessionModel(folder.resolve(model.getFileName()), Optional.of(temporary));
    try {
      Unpack.into(folder, model);
      Path config = model.resolveSibling(GenAiConfig.FILE_NAME);
      if (Files.exists(config)) {
        Files.copy(config, folder.resolve(GenAiConfig.FILE_NAME));
      }
      return copy;
    } catch (IOException | RuntimeException e) {
      copy.close();
      throw e;
    }
  }

  /** The folder of the copy; {@code other} if there is none. */
  Path folderOr(Path other) {
    return copy.map(TemporaryFolder::path).orElse(other);
  }

  @Override
  public void close() throws IOException {
    if (copy.isPresent()) {
      copy.get().close();
    }
  }
}
