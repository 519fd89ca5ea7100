package dev.warmgate.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The logits that one run foresaw, for others to be compared with: rows of fp32 in a temporary file
 * that is gone when this is closed. In full precision, so that equal logits are found equal.
 */
final class LogitsFile implements AutoCloseable {
  private final Path folder;
  private final FileChannel channel;
  private final int rows;
  private ByteBuffer bytes = ByteBuffer.allocate(0);
  private float[] row = {};

  private LogitsFile(Path folder, FileChannel channel, int rows) {
    this.folder = folder;
    this.channel = channel;
    this.rows = rows;
  }

  /**
   * Makes an empty file.
   *
   * @param rows how many there will be; the first one written tells how long they are
   */
  static LogitsFile create(int rows) throws IOException {
    Path file = Files.createTempFile("warmgate-logits-", ".f32");
    try {
      FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
      return new LogitsFile(file.toAbsolutePath().getParent(), channel, rows);
    } catch (IOException e) {
      Files.deleteIfExists(file);
      throw e;
    }
  }

  /**
   * Keeps a row.
   *
   * @throws IOException if there is no room for all rows
   */
  void write(int index, float[] logits) throws IOException {
    if (row.length == 0) {
      begin(logits.length);
    }
    bytes.clear();
    bytes.asFloatBuffer().put(logits);
    for (long at = position(index); bytes.hasRemaining(); ) {
      at += channel.write(bytes, at);
    }
  }

  private void begin(int width) throws IOException {
    long needed = (long) rows * width * Float.BYTES;
    long free = Files.getFileStore(folder).getUsableSpace();
    if (needed > free) {
      throw new IOException(
          "%s: %s of logits are more than the %s that are free; ask for fewer --max-tokens"
              .formatted(folder, Texts.bytes(needed), Texts.bytes(free)));
    }
    bytes = ByteBuffer.allocateDirect(width * Float.BYTES).order(ByteOrder.nativeOrder());
    row = new float[width];
  }

  /** A row that was written; the array is written again by the next call. */
  float[] read(int index) throws IOException {
    bytes.clear();
    for (long at = position(index); bytes.hasRemaining(); ) {
      int count = channel.read(bytes, at);
      if (count < 0) {
        throw new IllegalStateException("row %d was not written".formatted(index));
      }
      at += count;
    }
    bytes.flip().asFloatBuffer().get(row);
    return row;
  }

  private long position(int index) {
    return (long) index * bytes.capacity();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
