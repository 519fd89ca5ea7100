package dev.warmgate.host.ort;

import dev.warmgate.host.ort.OrtApi.ExternalInitializer;
import dev.warmgate.onnx.Initializer;
import dev.warmgate.onnx.TensorLocation.Addressable;
import dev.warmgate.residency.FileRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Finds where on disk the weights of a session's nodes are, so that they can be read from there.
 *
 * <p>External data is where the model says. What is embedded in the model's file is read from that
 * file, if its bytes there are the ones that ONNX Runtime has; otherwise (the model came from
 * memory, or an optimiser made the tensor) they are written to a temporary file.
 */
final class WeightLocator implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 20;

  private final OrtApi api;
  private final ModelFile modelFile;
  private Path spillFile;

  WeightLocator(OrtApi api, ModelFile modelFile) {
    this.api = api;
    this.modelFile = modelFile;
  }

  /**
   * The place of an initializer.
   *
   * @param valueInfo 0 for an absent one
   * @throws IOException in one line, if it can't be found or written
   */
  Optional<FileRegion> find(long valueInfo) throws IOException {
    if (valueInfo == 0) {
      return Optional.empty();
    }
    Optional<ExternalInitializer> external = api.externalInitializer(valueInfo);
    return Optional.of(external.isPresent() ? outside(external.get()) : inside(valueInfo));
  }

  private FileRegion outside(ExternalInitializer external) {
    Path path =
        modelFile
            .path()
            .map(model -> model.resolveSibling(external.path()))
            .orElseGet(() -> Path.of(external.path()));
    return new FileRegion(path.normalize(), external.offset(), external.bytes());
  }

  private FileRegion inside(long valueInfo) throws IOException {
    MemorySegment data = api.initializerData(valueInfo);
    Initializer initializer =
        modelFile
            .model()
            .map(model -> model.graph().initializers().get(api.valueName(valueInfo)))
            .orElse(null);
    if (initializer != null
        && initializer.location() instanceof Addressable place
        && place.length() == data.byteSize()
        && holds(place, data)) {
      return new FileRegion(place.file(), place.offset(), place.length());
    }
    return spill(data);
  }

  private static boolean holds(Addressable place, MemorySegment data) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    try (FileChannel channel = FileChannel.open(place.file(), StandardOpenOption.READ)) {
      for (long done = 0; done < data.byteSize(); ) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), data.byteSize() - done));
        int read = channel.read(buffer, place.offset() + done);
        if (read <= 0
            || MemorySegment.mismatch(
                    MemorySegment.ofBuffer(buffer.flip()), 0, read, data, done, done + read)
                >= 0) {
          return false;
        }
        done += read;
      }
    }
    return true;
  }

  private FileRegion spill(MemorySegment data) throws IOException {
    if (spillFile == null) {
      spillFile = Files.createTempFile("warmgate-", ".weights");
      spillFile.toFile().deleteOnExit();
    }
    try (FileChannel channel = FileChannel.open(spillFile, StandardOpenOption.WRITE)) {
      long start = channel.size();
      for (long done = 0; done < data.byteSize(); ) {
        long length = Math.min(BUFFER_BYTES, data.byteSize() - done);
        done += channel.write(data.asSlice(done, length).asByteBuffer(), start + done);
      }
      return new FileRegion(spillFile, start, data.byteSize());
    }
  }

  /** Deletes the temporary file, which nobody reads any more. */
  @Override
  public void close() {
    if (spillFile != null) {
      try {
        Files.deleteIfExists(spillFile);
      } catch (IOException e) {
        System.getLogger(WeightLocator.class.getName())
            .log(System.Logger.Level.WARNING, "{0} can't be deleted: {1}", spillFile, e);
      }
    }
  }
}
