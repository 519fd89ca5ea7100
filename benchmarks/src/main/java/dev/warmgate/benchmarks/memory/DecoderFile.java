package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.WorkFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntConsumer;

/** A generated decoder in a folder, where later runs find it. */
final class DecoderFile {
  private DecoderFile() {}

  /**
   * The model of a shape; one that an earlier run has left is taken as it is.
   *
   * @param onLayer is told each layer that is written
   * @throws IOException if there is no room, or the folder isn't on a disk
   */
  static Path in(WorkFolder folder, DecoderShape shape, long seed, IntConsumer onLayer)
      throws IOException {
    Path model =
        folder
            .path()
            .resolve(
                "decoder-%dx%d-%d-%dx%d.onnx"
                    .formatted(
                        shape.layers(),
                        shape.experts(),
                        shape.topK(),
                        shape.hidden(),
                        shape.inner()));
    if (Files.exists(model)) {
      return model; // written last, so its data is whole
    }
    if (Files.getFileStore(folder.path()).type().equals("tmpfs")) {
      throw new IOException(
          folder.path() + " is in memory; --work-dir can name a folder on a disk");
    }
    folder.requireSpace(shape.bytes());
    DecoderWriter.write(model, shape, seed, onLayer);
    return model;
  }
}
