package dev.warmgate.benchmarks.memory;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a {@link Worker} in a Java of its own, all of it under a memory limit. */
final class BoundedProcess {
  private static final int KILLED = 137;

  /** For starting, for opening the model, and for a last token that takes long. */
  private static final int SLACK_SECONDS = 120;

  /** What all engines get alike: a small heap, and no thread more than needed. */
  private static final List<String> JAVA =
      List.of(
          "-XX:+UseSerialGC",
          "-Xmx64m",
          "-XX:ReservedCodeCacheSize=48m",
          "-XX:-UsePerfData",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow");

  private final Path controlGroups;

  /**
   * @param controlGroups where they are mounted
   */
  BoundedProcess(Path controlGroups) {
    this.controlGroups = controlGroups;
  }

  /** What a run came to. */
  sealed interface Outcome {
    /**
     * It ran.
     *
     * @param measured by itself
     * @param peakBytes the most memory of its control group
     */
    record Ran(Measured measured, long peakBytes) implements Outcome {}

    /** It didn't come to an end. */
    record Failed(String reason) implements Outcome {}
  }

  /**
   * Runs a task.
   *
   * @throws IOException if no process can be started, or none under a limit
   */
  Outcome run(Task task, long limitBytes) throws IOException {
    String name = "warmgate-bench-" + ProcessHandle.current().pid();
    try (ControlGroup group = ControlGroup.create(controlGroups, name, limitBytes)) {
      Process process = start(task, group);
      try {
        return result(process, task, group);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return new Outcome.Failed("interrupted");
      } finally {
        process.destroyForcibly().onExit().join();
      }
    }
  }

  /** The shell joins the group before it becomes Java, so that nothing is left out. */
  private static Process start(Task task, ControlGroup group) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "echo $$ > \"$0\" && exec \"$@\"",
                group.members().toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(JAVA);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Worker.class.getName(), task.json()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("MALLOC_ARENA_MAX", "2");
    return builder.start();
  }

  private static Outcome result(Process process, Task task, ControlGroup group)
      throws IOException, InterruptedException {
    process.getOutputStream().close();
    var output = new StringBuilder();
    var errors = new StringBuilder();
    Thread out = Thread.ofVirtual().start(() -> drain(process.getInputStream(), output));
    Thread err = Thread.ofVirtual().start(() -> drain(process.getErrorStream(), errors));
    long patience = (long) (task.warmUpSeconds() + task.seconds()) + SLACK_SECONDS;
    if (!process.waitFor(patience, TimeUnit.SECONDS)) {
      return new Outcome.Failed("not done after " + patience + " s");
    }
    out.join();
    err.join();
    if (process.exitValue() == KILLED) {
      return new Outcome.Failed("killed, out of memory");
    }
    if (process.exitValue() != 0) {
      return new Outcome.Failed(lastLine(errors.toString()));
    }
    return new Outcome.Ran(
        new Gson().fromJson(lastLine(output.toString()), Measured.class), group.peakBytes());
  }

  private static void drain(InputStream in, StringBuilder to) {
    try (in) {
      to.append(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      to.append(e.getMessage());
    }
  }

  private static String lastLine(String text) {
    return text.lines().filter(line -> !line.isBlank()).reduce("", (a, b) -> b);
  }
}
