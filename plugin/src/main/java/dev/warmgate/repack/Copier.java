package dev.warmgate.repack;

import dev.warmgate.onnx.ModelCopy.Piece;
import dev.warmgate.residency.store.StoreHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/** Copies byte ranges through one buffer. The files that it reads stay open until it is closed. */
final class Copier implements AutoCloseable {
  private static final int BUFFER_BYTES = 4 << 20;

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final Map<Path, FileChannel> sources = new HashMap<>();

  /**
   * Copies a range.
   *
   * @param checksum gets the bytes too
   * @throws IOException if a byte can't be read or written
   */
  void copy(Path file, long offset, long length, Sink to, long position, Checksum checksum)
      throws IOException {
    FileChannel source = source(file);
    for (long done = 0; done < length; ) {
      buffer.clear().limit((int) Math.min(BUFFER_BYTES, length - done));
      if (source.read(buffer, offset + done) <= 0) {
        throw new IOException("%s: ends before offset %d".formatted(file, offset + length));
      }
      int read = buffer.flip().remaining();
      checksum.update(buffer.duplicate());
      to.write(buffer, position + done);
      done += read;
    }
  }

  /**
   * Writes the copy of a model's file.
   *
   * @return its bytes
   */
  long write(Path model, List<Piece> pieces, Path target, Sink.Opener opener) throws IOException {
    long bytes = 0;
    try (Sink sink = opener.create(target)) {
      for (Piece piece : pieces) {
        switch (piece) {
          case Piece.Kept(long offset, long length) -> {
            copy(model, offset, length, sink, bytes, new CRC32C());
            bytes += length;
          }
          case Piece.Made(ByteBuffer made) -> {
            sink.write(made.duplicate(), bytes);
            bytes += made.remaining();
          }
        }
      }
      sink.force();
    }
    return bytes;
  }

  /** The header of a store. */
  StoreHeader header(Path store) throws IOException {
    FileChannel source = source(store);
    return StoreHeader.read(store.toString(), source.size(), source::read);
  }

  private FileChannel source(Path file) throws IOException {
    FileChannel source = sources.get(file);
    if (source == null) {
      source = FileChannel.open(file, StandardOpenOption.READ);
      sources.put(file, source);
    }
    return source;
  }

  @Override
  public void close() throws IOException {
    for (FileChannel source : sources.values()) {
      source.close();
    }
  }
}
