package dev.warmgate.triton;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.onnx.SmallGraphs;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a request to a small model costs beyond a direct run of the session, and how much of that
 * Triton takes for a backend that does nothing. Prints; not a test.
 */
class OverheadSpeed {
  private static final int CALLS = 30_000;
  private static final String NULL_CONFIG =
      """
      backend: "null"
      input [{ name: "x" data_type: TYPE_FP32 dims: [-1, 2] }]
      output [{ name: "y" data_type: TYPE_FP32 dims: [-1, 2] },
              { name: "z" data_type: TYPE_FP32 dims: [-1, 2] }]
      """;

  @TempDir Path folder;

  @Test
  void measure() throws IOException, InterruptedException, OrtException {
    Path repository = Files.createDirectory(folder.resolve("repository"));
    new Repository(repository).add("small", Repository.MINIMAL, SmallGraphs::optional);
    Files.createDirectories(repository.resolve("null").resolve("1"));
    Files.writeString(repository.resolve("null").resolve("config.pbtxt"), NULL_CONFIG);
    Path backends = Files.createDirectory(folder.resolve("backends"));
    Files.createSymbolicLink(
        backends.resolve("warmgate"), Suite.backends().resolve("warmgate").toRealPath());
    Path library = Files.createDirectory(backends.resolve("null")).resolve("libtriton_null.so");
    compile("null_backend.cpp", library, "-shared", "-fPIC");
    Path client = folder.resolve("overhead");
    compile("overhead.cpp", client, "-Wl,-rpath," + Suite.core());
    System.out.printf("direct: %.1f us%n", direct(repository.resolve("small/1/model.onnx")));
    List<String> measure =
        List.of(
            client.toString(),
            repository.toString(),
            backends.toString(),
            System.getProperty("java.home"),
            "null",
            "small");
    System.out.printf("all processors%n%s", run(measure));
    List<String> pinned = new ArrayList<>(List.of("taskset", "-c", "0"));
    pinned.addAll(measure);
    System.out.printf("one processor, which nobody has to wake%n%s", run(pinned));
  }

  private static void compile(String source, Path target, String... options)
      throws IOException, InterruptedException {
    Path file = Suite.home().resolve("ci/triton/src/test/cpp").resolve(source);
    String core = "-L" + Suite.core();
    List<String> command =
        List.of("g++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", file.toString());
    List<String> linked = List.of("-o", target.toString(), core, "-ltritonserver");
    List<String> all = new ArrayList<>(command);
    all.addAll(linked);
    all.add("-Wl,--allow-shlib-undefined");
    all.addAll(List.of(options));
    run(all);
  }

  /** What a command prints. */
  private static String run(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> String.join(" ", command));
    return output;
  }

  /** The median of runs from Java, in microseconds. */
  private static double direct(Path model) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    float[] values = new float[64];
    long[] nanos = new long[CALLS];
    try (OrtSession session = environment.createSession(model.toString())) {
      for (int i = 0; i < 2 * CALLS; i++) {
        long start = System.nanoTime();
        try (OnnxTensor x =
                OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), new long[] {32, 2});
            OrtSession.Result result = session.run(Map.of("x", x))) {
          float[] copy = new float[64];
          ((OnnxTensor) result.get("z").orElseThrow()).getFloatBuffer().get(copy);
        }
        nanos[i % CALLS] = System.nanoTime() - start;
      }
    }
    Arrays.sort(nanos);
    return nanos[CALLS / 2] / 1000.0;
  }
}
