package dev.warmgate.triton;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Where the build put what the tests need. */
final class Suite {
  private Suite() {}

  /** The folder with the folder of our backend. */
  static Path backends() {
    return Path.of(System.getProperty("triton.backends")).toAbsolutePath();
  }

  /** The repository's root. */
  static Path home() {
    return Path.of(System.getProperty("warmgate.home")).toAbsolutePath().normalize();
  }

  /** The folder with the core's library. */
  static Path core() {
    return Path.of(System.getProperty("java.library.path")).toAbsolutePath();
  }

  /** JavaCPP's binding of the core, as a class path. */
  static String bindings() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(path -> path.contains("tritonserver-") || path.contains("javacpp-"))
        .collect(Collectors.joining(File.pathSeparator));
  }
}
