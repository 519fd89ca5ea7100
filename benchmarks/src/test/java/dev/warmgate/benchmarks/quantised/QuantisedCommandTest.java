package dev.warmgate.benchmarks.quantised;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.benchmarks.CommandResult;
import dev.warmgate.benchmarks.quantised.LayerBenchmark.Pace;
import dev.warmgate.cli.CommandFailure;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Small runs of the whole comparison. */
class QuantisedCommandTest {
  private static CommandResult run(String... more) {
    List<String> args = new ArrayList<>(List.of("bench", "qmoe"));
    args.addAll(List.of(more));
    return CommandResult.of(args.toArray(String[]::new));
  }

  private static JsonObject layer(String shape, String weights) {
    CommandResult result =
        run(
            "--shapes=" + shape,
            "--weights=" + weights,
            "--experts=6",
            "--top-k=2",
            "--tokens=1,5",
            "--threads=2",
            "--seconds=0.05",
            "--json");
    assertEquals(0, result.exitCode(), result.err());
    JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
    assertEquals(Set.of("threads", "layers"), json.keySet());
    assertEquals(2, json.get("threads").getAsInt());
    JsonObject layer = json.getAsJsonArray("layers").get(0).getAsJsonObject();
    assertEquals(Set.of("hidden", "inner", "weights", "engines"), layer.keySet());
    assertEquals(weights, layer.get("weights").getAsString());
    return layer;
  }

  private static List<JsonObject> rows(JsonObject layer) {
    List<JsonObject> rows = new ArrayList<>();
    for (JsonElement engine : layer.getAsJsonArray("engines")) {
      JsonObject row = engine.getAsJsonObject();
      assertEquals(
          Set.of(
              "engine",
              "tokens",
              "median_ms",
              "times_best_stock",
              "create_ms",
              "created_rss_bytes",
              "error_of_scale"),
          row.keySet());
      assertEquals("[5,1]", row.get("tokens").toString());
      assertEquals(2, row.getAsJsonArray("median_ms").size());
      rows.add(row);
    }
    for (int size = 0; size < 2; size++) {
      int index = size;
      // The fastest of stock's configurations is what all are compared with.
      assertEquals(
          1,
          rows.stream()
              .filter(row -> name(row).startsWith("stock"))
              .mapToDouble(row -> row.getAsJsonArray("times_best_stock").get(index).getAsDouble())
              .max()
              .orElseThrow());
    }
    return rows;
  }

  private static String name(JsonObject row) {
    return row.get("engine").getAsString();
  }

  @Tag("slow")
  @Test
  void allEnginesComputeTheSameLayer() {
    List<JsonObject> rows = rows(layer("64x96", "int4"));
    assertEquals(
        List.of("stock", "stock, no prepacking", "stock, its faster kernel", "exact", "fast"),
        rows.stream().map(QuantisedCommandTest::name).toList());
    for (JsonObject row : rows) {
      String name = name(row);
      double bound = name.equals("fast") ? 3e-2 : name.startsWith("stock") ? 1e-2 : 1e-4;
      assertTrue(row.get("error_of_scale").getAsDouble() < bound, row.toString());
    }
  }

  @Tag("slow")
  @Test
  void fp32ExpertsAreComparedWithoutPrecisions() {
    JsonObject layer = layer("33x17", "fp32");
    assertEquals(33, layer.get("hidden").getAsInt());
    assertEquals(17, layer.get("inner").getAsInt());
    List<JsonObject> rows = rows(layer);
    assertEquals(
        List.of("stock", "stock, no prepacking", "warmgate"),
        rows.stream().map(QuantisedCommandTest::name).toList());
    for (JsonObject row : rows) {
      assertTrue(row.get("error_of_scale").getAsDouble() < 1e-5, row.toString());
    }
    // Another implementation rounds otherwise; 0 would be stock's own outputs again.
    assertTrue(rows.getLast().get("error_of_scale").getAsDouble() > 0, rows.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--shapes=64",
        "--shapes=64x33",
        "--shapes=0x32",
        "--shapes=00x32",
        "--shapes=64x96x2",
        "--weights=int8",
        "--weights=FP32",
        "--weights=",
        "--experts=0",
        "--experts=2000000000",
        "--top-k=0",
        "--top-k=129",
        "--tokens=0",
        "--tokens=1,-1",
        "--tokens=1,2000000000",
        "--tokens=one",
        "--threads=0",
        "--seconds=0",
        "--seconds=NaN",
        "--seconds=Infinity"
      })
  void whatMakesNoSenseIsNamedInOneLine(String option) {
    String name = option.substring(0, option.indexOf('='));
    // All else is small: should it be taken for sense, then not for long.
    String[] args =
        Stream.concat(
                Stream.of(option),
                Stream.of(
                        "--shapes=64x96",
                        "--experts=6",
                        "--top-k=2",
                        "--tokens=1",
                        "--seconds=0.05")
                    .filter(other -> !other.startsWith(name)))
            .toArray(String[]::new);
    CommandResult result = run(args);
    assertEquals(2, result.exitCode());
    assertEquals(1, result.err().lines().count(), result.err());
    assertTrue(result.err().startsWith("warmgate: "), result.err());
    assertTrue(result.err().contains(name), result.err());
    assertEquals("", result.out());
  }

  @Test
  void fp32HasNoBlocksThatShapesMustBeMultiplesOf() {
    LayerShape shape = LayerShape.parse("33x17", 5, 2, Weights.FP32);
    assertEquals(3L * 33 * 17 * 5 * Float.BYTES, shape.bytes());
    assertThrows(
        IllegalArgumentException.class, () -> LayerShape.parse("33x17", 5, 2, Weights.INT4));
  }

  @Test
  void aLayerThatNoDiskHoldsIsRefusedBeforeItIsWritten() {
    CommandResult result = run("--weights=fp32", "--shapes=99999x99999", "--experts=65536");
    assertEquals(2, result.exitCode());
    assertEquals(1, result.err().lines().count(), result.err());
    assertTrue(result.err().contains("too little space"), result.err());
  }

  @Test
  void anEngineThatGivesTooFewOutputsIsNamed(@TempDir Path folder) throws IOException {
    Path reference = Files.write(folder.resolve("reference"), new byte[2 * Float.BYTES]);
    Path outputs = Files.write(folder.resolve("outputs"), new byte[Float.BYTES]);
    LayerShape shape = LayerShape.parse("64x96", 6, 2, Weights.FP32);
    LayerEngine engine = LayerEngine.all(Weights.FP32).getLast();
    CommandFailure failed =
        assertThrows(
            CommandFailure.class, () -> LayerBenchmark.error(shape, engine, reference, outputs));
    assertEquals(
        "H=64 I=96, warmgate: its outputs can't be compared: not as many as stock's",
        failed.getMessage());
  }

  @Test
  void anEngineThatFailsIsNamedAndIsNoWrongUsage(@TempDir Path folder) {
    LayerShape shape = LayerShape.parse("33x17", 5, 2, Weights.FP32);
    PrintStream progress = new PrintStream(new ByteArrayOutputStream(), false, UTF_8);
    var benchmark = new LayerBenchmark(folder, new Pace(1, List.of(-1), 0.01), progress);
    CommandFailure failed = assertThrows(CommandFailure.class, () -> benchmark.run(shape));
    assertTrue(failed.getMessage().startsWith("H=33 I=17, stock: "), failed.getMessage());
  }
}
