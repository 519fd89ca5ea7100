package dev.warmgate.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OrtException;
import dev.warmgate.benchmarks.WorkerProcess.Ended;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Both sides, with a worker that says what it was told. */
class WorkerProcessTest {
  private static final String BROKEN = "two\n  lines";

  /** All that the benchmarks' own tasks have: null, maps, quotes, no number. */
  record Echo(String text, Map<String, String> none, Map<String, String> entries, double number) {}

  /** The other side. */
  static final class Worker {
    public static void main(String[] args) {
      System.out.println("a line that isn't the result");
      WorkerProcess.work(args, Echo.class, Worker::run);
    }

    private static Echo run(Echo task) throws IOException, OrtException {
      if (task.text.equals(BROKEN)) {
        throw new IOException(task.text);
      }
      return task;
    }
  }

  private static Optional<Ended> run(Echo task, Duration patience)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                WorkerProcess.command(Worker.class, List.of("-XX:TieredStopAtLevel=1"), task))
            .start();
    try {
      return WorkerProcess.await(process, patience);
    } finally {
      process.destroyForcibly();
    }
  }

  private static Echo echo(String text) {
    return new Echo(text, null, Map.of("precision", "exact"), Double.NaN);
  }

  @Test
  void aWorkerIsToldItsTaskAndItsResultIsHeard() throws IOException, InterruptedException {
    Echo task = echo("\"quoted\", \\ and $HOME");
    Ended ended = run(task, Duration.ofMinutes(1)).orElseThrow();
    assertEquals(0, ended.exitCode(), ended.errors());
    assertEquals(task, ended.measured(Echo.class));
  }

  @Test
  void aWorkerThatFailsSaysWhyInOneLine() throws IOException, InterruptedException {
    Ended ended = run(echo(BROKEN), Duration.ofMinutes(1)).orElseThrow();
    assertEquals(1, ended.exitCode());
    assertEquals("two lines", ended.reason());
    assertEquals(List.of("two lines"), ended.errors().lines().toList());
  }

  @Test
  void patienceEnds() throws IOException, InterruptedException {
    assertEquals(Optional.empty(), run(echo(""), Duration.ofMillis(1)));
  }
}
