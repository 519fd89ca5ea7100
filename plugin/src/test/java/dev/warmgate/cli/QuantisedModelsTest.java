package dev.warmgate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.QMoeEdit;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeModels;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands on models with quantised experts. */
class QuantisedModelsTest {
  private static final QMoeModelSpec SPEC = QMoeModelSpec.small().withFormat(4, 16, true);

  @TempDir Path folder;

  private static JsonObject json(String... args) {
    CommandResult result = CommandResult.of(args);
    assertEquals(0, result.exitCode(), result.err());
    return JsonParser.parseString(result.out()).getAsJsonObject();
  }

  @Test
  void inspectTellsFormatAndSize() throws IOException {
    Path model = QMoeModels.write(folder.resolve("model.onnx"), SPEC);
    JsonObject layer =
        json("inspect", model.toString(), "--json")
            .getAsJsonArray("layers")
            .get(0)
            .getAsJsonObject();
    assertEquals("QMoE", layer.get("op").getAsString());
    assertEquals("int4 block 16, zero points", layer.get("format").getAsString());
    assertEquals(SPEC.bytesPerExpert(), layer.get("bytes_per_expert").getAsLong());
  }

  @Test
  void inspectSaysWhyANodeIsLeft() throws IOException {
    Path model =
        QMoeModels.write(
            folder.resolve("model.onnx"), SPEC, QMoeEdit.attribute("quant_type", "fp4"));
    JsonObject report = json("inspect", model.toString(), "--json");
    assertEquals(0, report.getAsJsonArray("layers").size());
    JsonObject left = report.getAsJsonArray("unsupported").get(0).getAsJsonObject();
    assertEquals("/model/layers.0/moe/QMoE", left.get("node").getAsString());
    assertEquals("quant_type 'fp4'", left.get("reason").getAsString());
  }

  @Test
  void checkHasABoundForEachPrecision() throws IOException {
    for (QMoeModelSpec spec : new QMoeModelSpec[] {SPEC, SPEC.withType(ElementType.FLOAT16)}) {
      String model = QMoeModels.write(folder.resolve(spec.type() + ".onnx"), spec).toString();
      double exact = error("check", model, "--json", "--precision", "exact");
      double fast = error("check", model, "--json", "--precision", "fast");
      assertTrue(fast > 1e-4 && fast > exact, exact + " and " + fast);
    }
    CommandResult wrong = CommandResult.of("check", "m.onnx", "--precision", "some");
    assertEquals(2, wrong.exitCode());
    assertTrue(wrong.err().contains("option precision: 'some'"), wrong.err());
  }

  private static double error(String... args) {
    JsonObject report = json(args);
    assertTrue(report.get("pass").getAsBoolean(), report.toString());
    assertTrue(report.get("loads").getAsLong() > 0, report.toString());
    return report
        .getAsJsonArray("outputs")
        .get(0)
        .getAsJsonObject()
        .get("max_rel_error")
        .getAsDouble();
  }
}
