package dev.warmgate.repack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file being written. All output of this package goes through here, so that tests can make any
 * call fail.
 */
interface Sink extends AutoCloseable {

  /** Makes files. */
  @FunctionalInterface
  interface Opener {
    /** Real files. */
    Opener FILES = path -> of(path);

    /** Makes a file that doesn't exist yet. */
    Sink create(Path path) throws IOException;
  }

  private static Sink of(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return new Sink() {
      @Override
      public void write(ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
          at += channel.write(bytes, at);
        }
      }

      @Override
      public void force() throws IOException {
        channel.force(true);
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }

  /** Writes all of a buffer. */
  void write(ByteBuffer bytes, long position) throws IOException;

  /** Returns once everything is on the disk. */
  void force() throws IOException;

  @Override
  void close() throws IOException;
}
