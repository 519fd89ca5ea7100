package dev.warmgate.residency;

import dev.warmgate.hwdetect.DirectIo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.Set;

/**
 * An open file of experts, read at any offset into any memory.
 *
 * <p>Around the page cache, the kernel wants file offset, memory address and length in whole
 * blocks. What lies so goes straight to its destination; the rest goes through the caller's bounce
 * buffer.
 */
final class ExpertFile implements AutoCloseable {
  /** The largest block that bounce buffers are made for; network file systems may have larger. */
  static final int MAX_BLOCK = 64 << 10;

  private final Path path;
  private final ByteSource source;
  private final int block;
  private final long size;
  private final FileTime modified;

  private ExpertFile(Path path, ByteSource source, int block) throws IOException {
    this.path = path;
    this.source = source;
    this.block = block;
    this.size = source.size();
    this.modified = Files.getLastModifiedTime(path);
  }

  /**
   * Opens a file for reading.
   *
   * @param direct to go around the page cache if the file system can; it goes through it otherwise
   * @throws IOException if the file can't be opened
   */
  static ExpertFile open(Path path, boolean direct) throws IOException {
    return open(path, direct, ByteSource.Opener.FILES);
  }

  /** The same with what {@code opener} opens. */
  static ExpertFile open(Path path, boolean direct, ByteSource.Opener opener) throws IOException {
    Optional<OpenOption> around = direct ? DirectIo.openOption() : Optional.empty();
    if (around.isPresent()) {
      Set<OpenOption> options = Set.of(StandardOpenOption.READ, around.get());
      try {
        long block = Math.max(4096, Files.getFileStore(path).getBlockSize());
        if (block > MAX_BLOCK) {
          throw new UnsupportedOperationException("blocks of " + block + " bytes");
        }
        return of(path, opener.open(path, options), (int) block);
      } catch (IOException | UnsupportedOperationException e) {
        System.getLogger(ExpertFile.class.getName())
            .log(System.Logger.Level.INFO, "{0}: no direct I/O ({1})", path, e.getMessage());
      }
    }
    return of(path, opener.open(path, Set.of(StandardOpenOption.READ)), 0);
  }

  private static ExpertFile of(Path path, ByteSource source, int block) throws IOException {
    try {
      return new ExpertFile(path, source, block);
    } catch (IOException | RuntimeException | Error e) {
      source.close();
      throw e;
    }
  }

  Path path() {
    return path;
  }

  boolean direct() {
    return block > 0;
  }

  /**
   * Checks that the file holds a region.
   *
   * @throws IOException if it is too short
   */
  void requireRegion(String layer, FileRegion region) throws IOException {
    if (region.offset() + region.length() > size) {
      throw new IOException(
          "%s: %s has %d bytes, but the model's tensor lies at offset %d and has %d"
              .formatted(layer, path, size, region.offset(), region.length()));
    }
  }

  /**
   * Fills a segment from the file.
   *
   * @param offset of the first byte in the file
   * @param target all of it is filled
   * @param bounce block-aligned memory of this thread, at least two blocks long; used only for
   *     direct I/O
   * @throws IOException if a byte can't be read
   */
  void read(long offset, MemorySegment target, MemorySegment bounce) throws IOException {
    if (offset > size - target.byteSize()) {
      throw endOfFile(offset, target.byteSize());
    }
    long done = 0;
    while (done < target.byteSize()) {
      long at = offset + done;
      long left = target.byteSize() - done;
      done +=
          direct()
              ? readBlocks(at, target.asSlice(done), bounce)
              : readSome(at, target, done, left);
    }
  }

  private long readBlocks(long at, MemorySegment rest, MemorySegment bounce) throws IOException {
    if (at % block == 0 && rest.address() % block == 0 && rest.byteSize() >= block) {
      return readSome(at, rest, 0, rest.byteSize() / block * block);
    }
    long start = at / block * block;
    long skip = at - start;
    long useful = Math.min(rest.byteSize(), bounce.byteSize() / block * block - skip);
    if (rest.address() % block == skip && skip > 0) {
      // Only the head is off: after it, file and memory are aligned alike.
      useful = Math.min(useful, block - skip);
    }
    long window = (skip + useful + block - 1) / block * block;
    long read = readSome(start, bounce, 0, window);
    useful = Math.min(useful, read - skip);
    if (useful <= 0) {
      throw endOfFile(at, rest.byteSize());
    }
    MemorySegment.copy(bounce, skip, rest, 0, useful);
    return useful;
  }

  private long readSome(long at, MemorySegment target, long targetOffset, long length)
      throws IOException {
    long wanted = Math.min(length, 1 << 30);
    // SAFETY: the buffer is a view of memory that the caller owns during this call, cut to length.
    ByteBuffer buffer = target.asSlice(targetOffset, wanted).asByteBuffer();
    int read = source.read(buffer, at);
    if (read <= 0) {
      throw endOfFile(at, length);
    }
    return read;
  }

  private IOException endOfFile(long offset, long length) {
    return new IOException(
        "%s: ends before offset %d + %d bytes%s".formatted(path, offset, length, changes()));
  }

  /**
   * What to say of a file that has other bytes than it should: that it was changed since it was
   * opened, if it was; empty otherwise.
   */
  String changes() {
    try {
      boolean same = source.size() == size && Files.getLastModifiedTime(path).equals(modified);
      return same ? "" : "; the file was changed since it was opened";
    } catch (IOException e) {
      return "; the file is gone since it was opened";
    }
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
