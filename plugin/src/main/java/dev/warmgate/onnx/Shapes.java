package dev.warmgate.onnx;

import java.util.List;
import java.util.stream.Collectors;

/** Names and shapes from a file, made fit for a one-line message. */
final class Shapes {
  private static final int LONGEST = 200;

  private Shapes() {}

  /** {@code [64,128,32]}. */
  static String text(List<Long> dims) {
    return dims.stream()
        .limit(16)
        .map(String::valueOf)
        .collect(Collectors.joining(",", "[", dims.size() > 16 ? ",...]" : "]"));
  }

  /** The name without control characters, shortened if it is absurdly long. */
  static String printable(String name) {
    String clean = name.replaceAll("\\p{Cntrl}", "?");
    return clean.length() <= LONGEST ? clean : clean.substring(0, LONGEST) + "...";
  }
}
