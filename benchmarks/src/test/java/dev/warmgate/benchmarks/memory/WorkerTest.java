package dev.warmgate.benchmarks.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.OnnxModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The body of the benchmark on a small model, in this process; stock ONNX Runtime is the oracle.
 */
class WorkerTest {
  private static final long SEED = 11;
  private static final int COMPARED = 6;
  private static final int TOKENS = 20;

  @TempDir Path folder;

  private final Routes routes = MadeUpRoutes.of(3, 16, 3, COMPARED + TOKENS, SEED);
  private final DecoderShape shape = DecoderShape.ofBytes(3, 16, 3, 1 << 20);
  private Path model;

  @BeforeEach
  void write() throws IOException {
    model = folder.resolve("decoder.onnx");
    DecoderWriter.write(model, shape, SEED, _ -> {});
    routes.save(folder.resolve("routes"));
  }

  private Measured run(Map<String, String> session, Map<String, String> warmgate)
      throws IOException, OrtException {
    return Worker.run(
        new Task(
            model.toString(),
            folder.resolve("routes").toString(),
            shape,
            SEED,
            session,
            warmgate,
            2,
            COMPARED,
            TOKENS,
            60,
            60,
            COMPARED,
            folder.resolve("outputs").toString()));
  }

  private float[] outputs() throws IOException {
    float[] values = new float[COMPARED * shape.hidden()];
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("outputs")));
    assertEquals(values.length * Float.BYTES, bytes.remaining());
    bytes.order(ByteOrder.nativeOrder()).asFloatBuffer().get(values);
    return values;
  }

  @Test
  void allEnginesRunTheRoutesAndLosslessOnesSayTheSame() throws IOException, OrtException {
    Measured stock = run(Map.of("session.disable_prepacking", "1"), null);
    assertEquals(TOKENS, stock.tokens());
    assertEquals(COMPARED, stock.firstToken());
    assertTrue(Double.isNaN(stock.hitRate()));
    float[] expected = outputs();
    int slots = 12;
    Map<String, String> options =
        Map.of(
            "expert_memory",
            Long.toString(slots * shape.expertBytes()),
            "prefetch",
            "off",
            "warm_start",
            "off");
    Measured lossless = run(Map.of(), options);
    assertArrayEquals(expected, outputs(), 1e-5f);
    assertEquals(slots * shape.expertBytes(), lossless.slotBytes());
    assertEquals(1, lossless.massKept());
    // The gates select what the routes say, so no cache reads less than one that knows them.
    long least = new BeladyReads(routes).count(slots, COMPARED, COMPARED + TOKENS);
    assertTrue(lossless.loads() >= least, lossless.loads() + " of at least " + least);
    double uses = TOKENS * 3 * 3;
    assertEquals(1 - lossless.loads() / uses, lossless.hitRate(), 1e-9);
  }

  /** With room for all, what is read tells what was selected. */
  @Test
  void theGatesOfTheModelSelectWhatTheRoutesSay() throws IOException, OrtException {
    Set<Integer> before = selected(0, COMPARED);
    Set<Integer> timed = selected(COMPARED, COMPARED + TOKENS);
    timed.removeAll(before);
    Measured measured =
        run(Map.of(), Map.of("expert_memory", "100%", "prefetch", "off", "warm_start", "off"));
    assertEquals(timed.size(), measured.loads());
  }

  private Set<Integer> selected(int from, int to) {
    Set<Integer> experts = new HashSet<>();
    for (int token = from; token < to; token++) {
      for (int layer = 0; layer < 3; layer++) {
        for (int rank = 0; rank < 3; rank++) {
          experts.add(layer * 16 + routes.expert(token, layer, rank));
        }
      }
    }
    return experts;
  }

  @Test
  void theModelIsAnOrdinaryOne() throws IOException {
    ModelInspection inspection = ModelInspection.of(OnnxModel.read(model));
    assertEquals(3, inspection.layers().size());
    inspection
        .layers()
        .forEach(
            layer -> {
              assertEquals(16, layer.experts());
              assertTrue(layer.gate().text().endsWith(".gate"), layer.gate().text());
            });
  }
}
