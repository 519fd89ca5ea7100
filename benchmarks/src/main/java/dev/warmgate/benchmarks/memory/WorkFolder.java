package dev.warmgate.benchmarks.memory;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/**
 * Where a benchmark keeps its files: the user's folder, which stays, or a temporary one.
 *
 * @param path of the folder
 * @param temporary whether it goes when closed
 */
record WorkFolder(Path path, boolean temporary) implements AutoCloseable {

  /**
   * Opens it.
   *
   * @param path made if it isn't there; null for a temporary one
   */
  static WorkFolder open(Path path) throws IOException {
    return path == null
        ? new WorkFolder(Files.createTempDirectory("warmgate"), true)
        : new WorkFolder(Files.createDirectories(path), false);
  }

  /**
   * The model of a shape; one that an earlier run has left is taken as it is.
   *
   * @param onLayer is told each layer that is written
   * @throws IOException if there is no room, or the folder isn't on a disk
   */
  Path model(DecoderShape shape, long seed, IntConsumer onLayer) throws IOException {
    Path model =
        path.resolve(
            "decoder-%dx%d-%d-%dx%d.onnx"
                .formatted(
                    shape.layers(), shape.experts(), shape.topK(), shape.hidden(), shape.inner()));
    if (Files.exists(model)) {
      return model; // written last, so its data is whole
    }
    FileStore store = Files.getFileStore(path);
    if (store.type().equals("tmpfs")) {
      throw new IOException(path + " is in memory; --work-dir can name a folder on a disk");
    }
    if (store.getUsableSpace() < shape.bytes() + shape.bytes() / 8) {
      throw new IOException(path + ": too little space for " + shape.bytes() + " bytes");
    }
    DecoderWriter.write(model, shape, seed, onLayer);
    return model;
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      try (Stream<Path> files = Files.list(path)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(path);
    }
  }
}
