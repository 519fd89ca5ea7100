package dev.warmgate.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Standard output that remembers why it couldn't be written: {@link java.io.PrintStream} doesn't
 * tell, and a result that a full disk cut must not pass for a whole one. A reader that has read
 * enough of a pipe is no failure.
 */
final class StandardOutput extends OutputStream {
  private final OutputStream sink;
  private final boolean pipe;
  private volatile IOException failure;

  /**
   * @param pipe whether somebody else decides how much of it is read
   */
  StandardOutput(OutputStream sink, boolean pipe) {
    this.sink = sink;
    this.pipe = pipe;
  }

  /** The process's own. */
  static StandardOutput open() {
    return new StandardOutput(new FileOutputStream(FileDescriptor.out), isPipe());
  }

  private static boolean isPipe() {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
      return target.startsWith("pipe:") || target.startsWith("socket:");
    } catch (IOException e) {
      return false; // closed, or a system without /proc
    }
  }

  /** What went wrong first. */
  Optional<IOException> failure() {
    return pipe ? Optional.empty() : Optional.ofNullable(failure);
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      sink.write(bytes, offset, length);
    } catch (IOException e) {
      if (failure == null) {
        failure = e;
      }
      throw e;
    }
  }
}
