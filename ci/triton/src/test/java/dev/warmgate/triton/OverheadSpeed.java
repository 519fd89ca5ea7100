package dev.warmgate.triton;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.onnx.SmallGraphs;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a request to a small model costs beyond a direct run of the session. Prints; not a test. */
class OverheadSpeed {
  private static final int WARM_UP = 20_000;
  private static final int ROUNDS = 10;
  private static final int REQUESTS = 2000;

  @TempDir Path folder;

  private interface Run {
    float[] get() throws OrtException;
  }

  @Test
  void measure() throws IOException, OrtException {
    new Repository(folder).add("small", Repository.MINIMAL, SmallGraphs::optional);
    Path file = folder.resolve("small").resolve("1").resolve("model.onnx");
    float[] values = new float[64];
    Arrays.fill(values, 3);
    long[] shape = {32, 2};
    List<TestTensor> inputs = List.of(TestTensor.floats("x", shape, values));
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (TritonCore core = new TritonCore(folder, Suite.backends(), true);
        OrtSession session = environment.createSession(file.toString())) {
      core.load("small");
      Run direct =
          () -> {
            try (OnnxTensor x =
                    OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
                OrtSession.Result result = session.run(Map.of("x", x))) {
              FloatBuffer y = ((OnnxTensor) result.get("z").orElseThrow()).getFloatBuffer();
              float[] copy = new float[y.remaining()];
              y.get(copy);
              return copy;
            }
          };
      Run served = () -> core.infer("small", inputs).floats("z");
      assertArrayEquals(direct.get(), served.get());
      nanos(direct, WARM_UP);
      nanos(served, WARM_UP);
      double[] directNanos = new double[ROUNDS];
      double[] servedNanos = new double[ROUNDS];
      for (int round = 0; round < ROUNDS; round++) {
        directNanos[round] = nanos(direct, REQUESTS);
        servedNanos[round] = nanos(served, REQUESTS);
      }
      Arrays.sort(directNanos);
      Arrays.sort(servedNanos);
      double a = directNanos[ROUNDS / 2] / 1000;
      double b = servedNanos[ROUNDS / 2] / 1000;
      System.out.printf(
          "p50 of a request: direct %.1f us, by Triton %.1f us, difference %.1f us%n", a, b, b - a);
      System.out.println(core.statistics("small").replaceAll(".*\"inference_stats\"", ""));
    }
  }

  /** The median of calls. */
  private static double nanos(Run run, int calls) throws OrtException {
    long[] nanos = new long[calls];
    for (int i = 0; i < calls; i++) {
      long start = System.nanoTime();
      run.get();
      nanos[i] = System.nanoTime() - start;
    }
    Arrays.sort(nanos);
    return nanos[calls / 2];
  }
}
