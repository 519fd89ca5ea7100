package dev.warmgate.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** Another JVM like this one: same Java, same flags, same classes. */
final class ChildProcess {
  private ChildProcess() {}

  /**
   * What a child left.
   *
   * @param output all of its stdout
   * @param lastError the last line of its stderr
   */
  record Result(int exitCode, String output, String lastError) {}

  /** Runs a command line of {@link Main} and waits for its end. */
  static Result run(List<String> arguments) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command(arguments)).start();
    try {
      process.getOutputStream().close();
      AtomicReference<String> lastError = new AtomicReference<>("no error message");
      Thread errors = Thread.ofVirtual().start(() -> drain(process, lastError));
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int exitCode = process.waitFor();
      errors.join();
      return new Result(exitCode, output, lastError.get().replaceFirst("^warmgate: ", ""));
    } finally {
      process.destroyForcibly(); // does nothing to one that has ended
    }
  }

  private static void drain(Process process, AtomicReference<String> lastLine) {
    try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isBlank()) {
          lastLine.set(line);
        }
      }
    } catch (IOException e) {
      lastLine.set("its error output can't be read: " + e.getMessage());
    }
  }

  private static List<String> command(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(
        ProcessHandle.current()
            .info()
            .command()
            .orElseGet(() -> Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    String module = System.getProperty("jdk.module.main");
    if (module != null) {
      command.addAll(List.of("-m", module + "/" + Main.class.getName()));
    } else {
      command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    }
    command.addAll(arguments);
    return command;
  }
}
