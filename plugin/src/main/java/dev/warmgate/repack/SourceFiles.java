package dev.warmgate.repack;

import dev.warmgate.onnx.ModelCopy;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.TensorLocation;
import dev.warmgate.residency.store.SourceFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * The files that a model consists of.
 *
 * @param files the {@code .onnx} file first, then those of its external data
 * @param known what they were like before they were read
 * @param graphChecksum CRC-32C of the first
 * @param others more files of the model's folder that belong to it
 */
record SourceFiles(List<Path> files, List<SourceFile> known, int graphChecksum, List<Path> others) {
  private static final int BUFFER_BYTES = 1 << 20;

  SourceFiles {
    files = List.copyOf(files);
    known = List.copyOf(known);
    others = List.copyOf(others);
  }

  /**
   * Looks at a model's files.
   *
   * @param wholeFolder whether all other files in its folder belong to it
   * @param out a folder to leave out
   * @throws IOException if one can't be read, or {@code out} is the model's folder
   */
  static SourceFiles of(OnnxModel model, boolean wholeFolder, Path out) throws IOException {
    Path folder = model.path().getParent();
    if (folder.equals(out) || (Files.exists(out) && Files.isSameFile(folder, out))) {
      throw new IOException(out + ": is the model's own folder");
    }
    TreeSet<Path> external = new TreeSet<>();
    ModelCopy.of(
        model.path(),
        (tensor, _) -> {
          if (tensor.location() instanceof TensorLocation.External place) {
            external.add(place.file());
          }
          return Optional.empty();
        },
        Map.of());
    List<Path> files = new ArrayList<>(List.of(model.path()));
    files.addAll(external);
    List<SourceFile> known = new ArrayList<>();
    for (Path file : files) {
      known.add(SourceFile.of(file));
    }
    List<Path> others = new ArrayList<>();
    if (wholeFolder) {
      try (Stream<Path> walk = Files.walk(folder)) {
        walk.filter(file -> Files.isRegularFile(file) && !files.contains(file))
            .filter(file -> !inside(file, out))
            .forEach(others::add);
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    }
    return new SourceFiles(files, known, checksum(model.path()), others);
  }

  /** Whether a file is an earlier output, or one that is being made. */
  private static boolean inside(Path file, Path out) {
    String name = out.getFileName().toString();
    return Stream.of("", ".partial", ".old", ".lock")
        .anyMatch(suffix -> file.startsWith(out.resolveSibling(name + suffix)));
  }

  private static int checksum(Path file) throws IOException {
    CRC32C crc = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (channel.read(buffer.clear()) > 0) {
        crc.update(buffer.flip());
      }
    }
    return (int) crc.getValue();
  }

  /** Bytes of the model, without those that only lie in its folder. */
  long bytes() {
    return known.stream().mapToLong(SourceFile::bytes).sum();
  }

  /**
   * Looks again.
   *
   * @throws IOException in one line that names a file, if it has changed
   */
  void requireUnchanged() throws IOException {
    for (int i = 0; i < files.size(); i++) {
      if (!SourceFile.of(files.get(i)).equals(known.get(i))) {
        throw new IOException(files.get(i) + ": changed while it was repacked");
      }
    }
  }
}
