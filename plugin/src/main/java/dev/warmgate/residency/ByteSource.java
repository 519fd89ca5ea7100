package dev.warmgate.residency;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Set;

/**
 * An open file, reduced to what reading experts needs. All input of this package goes through here,
 * so that tests can make any call fail, come short, lie or take long.
 *
 * <p>Reads may run side by side.
 */
interface ByteSource extends AutoCloseable {

  /** Opens files. */
  @FunctionalInterface
  interface Opener {
    /** Real files. */
    Opener FILES = (path, options) -> of(FileChannel.open(path, options));

    /**
     * Opens a file.
     *
     * @throws IOException if it can't be opened
     * @throws UnsupportedOperationException if it can't be opened with these options
     */
    ByteSource open(Path path, Set<? extends OpenOption> options) throws IOException;
  }

  /** A file that is open; closing closes it. */
  static ByteSource of(FileChannel channel) {
    return new ByteSource() {
      @Override
      public int read(ByteBuffer target, long position) throws IOException {
        return channel.read(target, position);
      }

      @Override
      public long size() throws IOException {
        return channel.size();
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }

  /**
   * Reads some bytes into a buffer, from its position on.
   *
   * @return how many, at least 1 if the buffer has room; −1 at the file's end
   */
  int read(ByteBuffer target, long position) throws IOException;

  /** Bytes of the file as it is now. */
  long size() throws IOException;

  @Override
  void close() throws IOException;
}
