package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.WorkerProcess;
import dev.warmgate.benchmarks.WorkerProcess.Ended;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs a {@link Worker} in a Java of its own, all of it under a memory limit. */
final class BoundedProcess {
  private static final int KILLED = 137;

  /** For starting, for opening the model, and for a last token that takes long. */
  private static final int SLACK_SECONDS = 120;

  /** What all engines get alike: a small heap, and no thread more than needed. */
  private static final List<String> JAVA =
      List.of("-XX:+UseSerialGC", "-Xmx64m", "-XX:ReservedCodeCacheSize=48m", "-XX:-UsePerfData");

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
            List.of("sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", group.members().toString()));
    command.addAll(WorkerProcess.command(Worker.class, JAVA, task));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("MALLOC_ARENA_MAX", "2");
    return builder.start();
  }

  private static Outcome result(Process process, Task task, ControlGroup group)
      throws IOException, InterruptedException {
    var patience =
        Duration.ofSeconds((long) (task.warmUpSeconds() + task.seconds()) + SLACK_SECONDS);
    Optional<Ended> ended = WorkerProcess.await(process, patience);
    if (ended.isEmpty()) {
      return new Outcome.Failed("not done after " + patience.toSeconds() + " s");
    }
    return switch (ended.get().exitCode()) {
      case 0 -> new Outcome.Ran(ended.get().measured(Measured.class), group.peakBytes());
      case KILLED -> new Outcome.Failed("killed, out of memory");
      default -> new Outcome.Failed(ended.get().reason());
    };
  }
}
