package dev.warmgate.benchmarks.pagein;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The yardstick: {@code dd iflag=direct bs=1M}. */
final class Dd {
  private static final long BLOCK = 1 << 20;
  private static final Pattern REPORT =
      Pattern.compile("(?m)^(\\d+) bytes .* copied, ([0-9.e+-]+) s");

  private Dd() {}

  /**
   * Reads a file, from its start, around the page cache.
   *
   * @return bytes a second, as {@code dd} itself reports them
   * @throws IOException in one line, if there is no {@code dd}, or it fails
   */
  public static double bytesPerSecond(Path file, long bytes) throws IOException {
    var builder =
        new ProcessBuilder(
                List.of(
                    "dd",
                    "if=" + file,
                    "of=/dev/null",
                    "iflag=direct",
                    "bs=1M",
                    "count=" + Math.ceilDiv(bytes, BLOCK)))
            .redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    String report;
    try (var output = process.getInputStream()) {
      report = new String(output.readAllBytes(), StandardCharsets.UTF_8);
    }
    Matcher found = REPORT.matcher(report);
    if (!found.find()) {
      throw new IOException(file + ": dd can't read it: " + report.strip().replace('\n', ' '));
    }
    return Double.parseDouble(found.group(1)) / Double.parseDouble(found.group(2));
  }
}
