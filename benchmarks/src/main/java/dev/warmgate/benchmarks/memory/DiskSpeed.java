package dev.warmgate.benchmarks.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a file's disk gives at most: several {@code dd}s, each reading its part of the file around
 * the page cache.
 */
final class DiskSpeed {
  private static final long BLOCK = 4 << 20;
  private static final int IN_FLIGHT = 4;
  private static final int RUNS = 3;

  private DiskSpeed() {}

  /**
   * The best of some runs.
   *
   * @param most so many bytes of the file at most
   * @return bytes a second
   * @throws IOException in one line, if there is no {@code dd}, or it fails
   */
  static double bytesPerSecond(Path file, long most) throws IOException {
    long blocks = Math.max(1, Math.min(Files.size(file), most) / BLOCK / IN_FLIGHT);
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
      long start = System.nanoTime();
      List<Process> readers = new ArrayList<>();
      for (int part = 0; part < IN_FLIGHT; part++) {
        readers.add(reader(file, part * blocks, blocks));
      }
      for (Process reader : readers) {
        if (reader.onExit().join().exitValue() != 0) {
          throw new IOException(file + ": dd can't read it around the page cache");
        }
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      best = Math.max(best, Math.min(Files.size(file), IN_FLIGHT * blocks * BLOCK) / seconds);
    }
    return best;
  }

  private static Process reader(Path file, long skip, long blocks) throws IOException {
    return new ProcessBuilder(
            "dd",
            "if=" + file,
            "of=/dev/null",
            "iflag=direct",
            "bs=" + BLOCK,
            "skip=" + skip,
            "count=" + blocks,
            "status=none")
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }
}
