package dev.warmgate.benchmarks;

import ai.onnxruntime.OrtException;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A measurement in a Java of its own, from both sides: its task is its only argument, what it
 * measured is the last line of its output, both as JSON. One that fails says why in one line.
 */
public final class WorkerProcess {
  /** Reads and writes NaN too, which stands for what an engine has no figure for. */
  private static final Gson GSON = new GsonBuilder().serializeSpecialFloatingPointValues().create();

  private WorkerProcess() {}

  /**
   * The body of a worker.
   *
   * @param <T> what it is told
   */
  @FunctionalInterface
  public interface Work<T> {
    /** Does a task; returns what was measured. */
    Object run(T task) throws IOException, OrtException;
  }

  /**
   * A worker that has ended.
   *
   * @param output all that it printed
   * @param errors the same of its errors
   */
  public record Ended(int exitCode, String output, String errors) {
    /** What it measured. */
    public <M> M measured(Class<M> type) {
      return GSON.fromJson(lastLine(output), type);
    }

    /** Why it failed, in one line. */
    public String reason() {
      String last = lastLine(errors);
      return last.isEmpty() ? "ended with " + exitCode : last;
    }

    private static String lastLine(String text) {
      return text.lines().filter(line -> !line.isBlank()).reduce("", (a, b) -> b);
    }
  }

  /**
   * A worker's command line: this Java, with this class path.
   *
   * @param worker its {@code main} calls {@link #work}
   * @param flags of Java
   */
  public static List<String> command(Class<?> worker, List<String> flags, Object task) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(worker.getName(), GSON.toJson(task)));
    return command;
  }

  /**
   * Waits for a worker's end.
   *
   * @return empty if it takes longer
   */
  public static Optional<Ended> await(Process process, Duration patience)
      throws IOException, InterruptedException {
    process.getOutputStream().close();
    var output = new StringBuilder();
    var errors = new StringBuilder();
    Thread out = Thread.ofVirtual().start(() -> drain(process.getInputStream(), output));
    Thread err = Thread.ofVirtual().start(() -> drain(process.getErrorStream(), errors));
    if (!process.waitFor(patience)) {
      return Optional.empty();
    }
    out.join();
    err.join();
    return Optional.of(new Ended(process.exitValue(), output.toString(), errors.toString()));
  }

  private static void drain(InputStream in, StringBuilder to) {
    try (in) {
      to.append(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      to.append(e.getMessage());
    }
  }

  /**
   * A worker's {@code main}: runs the task of its only argument and prints what came of it. Ends
   * the process with 1 and one line, if it can't.
   */
  public static <T> void work(String[] args, Class<T> type, Work<T> work) {
    try {
      System.out.println(GSON.toJson(work.run(GSON.fromJson(args[0], type))));
    } catch (IOException | OrtException | RuntimeException | OutOfMemoryError e) {
      System.err.println(String.valueOf(e.getMessage()).strip().replaceAll("\\s*\\R\\s*", " "));
      System.exit(1);
    }
  }
}
