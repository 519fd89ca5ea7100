package dev.warmgate.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Where a command writes.
 *
 * @param out results
 * @param err errors, logs, progress
 * @param progress whether {@code err} is a terminal that can show a progress bar
 */
record Console(PrintStream out, PrintStream err, boolean progress) {

  /**
   * The process's own streams, in UTF-8 whatever the locale is.
   *
   * @param out its standard output
   */
  static Console system(StandardOutput out) {
    return new Console(
        new PrintStream(out, false, StandardCharsets.UTF_8),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        isTerminal(2));
  }

  /** Java only tells whether stdin and stdout are a terminal, and only both together. */
  private static boolean isTerminal(int descriptor) {
    try {
      Path target = Path.of("/proc/self/fd", Integer.toString(descriptor)).toRealPath();
      return target.startsWith("/dev/pts") || target.toString().matches("/dev/(tty|console).*");
    } catch (IOException e) {
      return false; // a pipe, or a system without /proc
    }
  }
}
