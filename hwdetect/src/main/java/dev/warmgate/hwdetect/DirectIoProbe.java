package dev.warmgate.hwdetect;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** Tries direct reads at a path: some file systems refuse them, and none says so beforehand. */
final class DirectIoProbe {

  /** Of a folder with many other entries, no more are looked at in search of a file. */
  private static final int MAX_ENTRIES = 64;

  private static final int MAX_ALIGNMENT = 1 << 24;

  private DirectIoProbe() {}

  /**
   * Reads one block of a file.
   *
   * @param path a file; or a folder, of which some file is read, or for want of one a temporary
   *     file that is deleted again
   */
  static DirectIo probe(Path path) {
    Optional<OpenOption> option = DirectIo.openOption();
    if (option.isEmpty()) {
      return new DirectIo(false, 0, "this JDK has no direct I/O");
    }
    try {
      if (Files.isRegularFile(path)) {
        return read(path, option.get());
      }
      if (!Files.isDirectory(path)) {
        return new DirectIo(false, 0, "neither a file nor a folder"); // opening a pipe would wait
      }
      Optional<Path> file = someFile(path);
      if (file.isPresent()) {
        return read(file.get(), option.get());
      }
      Path temporary = Files.createTempFile(path, ".warmgate-", ".probe");
      try {
        Files.write(temporary, new byte[1 << 13]);
        return read(temporary, option.get());
      } finally {
        Files.delete(temporary);
      }
    } catch (IOException | UnsupportedOperationException e) {
      return new DirectIo(false, 0, "no direct read could be tried: " + oneLine(e));
    }
  }

  private static Optional<Path> someFile(Path folder) throws IOException {
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (Files.isRegularFile(entry) && Files.isReadable(entry) && Files.size(entry) > 0) {
          return Optional.of(entry);
        }
        if (++seen >= MAX_ENTRIES) {
          break;
        }
      }
    }
    return Optional.empty();
  }

  private static DirectIo read(Path file, OpenOption direct) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, direct);
        Arena arena = Arena.ofConfined()) {
      long block = Files.getFileStore(file).getBlockSize();
      if (block < 1 || block > MAX_ALIGNMENT || Long.bitCount(block) != 1) {
        return new DirectIo(false, 0, "the file system names a block size of " + block);
      }
      // Safe: the buffer is one block, aligned to it, and the arena outlives the read.
      ByteBuffer buffer = arena.allocate(block, block).asByteBuffer();
      int count = channel.read(buffer, 0);
      return count > 0
          ? new DirectIo(true, (int) block, "a direct read of " + count + " bytes worked")
          : new DirectIo(false, 0, "a direct read gave nothing: the file is empty");
    } catch (IOException | UnsupportedOperationException e) {
      return new DirectIo(false, 0, "direct reads are refused: " + oneLine(e));
    }
  }

  private static String oneLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
