package dev.warmgate.generate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OrtException;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.warmgate.cli.Main;
import dev.warmgate.onnx.DecoderModels;
import dev.warmgate.onnx.DecoderSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The command {@code run} on models that others made: it reads their layout's description. */
class RunLayoutsTest {
  private static final int TOKENS = 30;

  @ParameterizedTest
  @MethodSource("dev.warmgate.generate.LayoutVariants#all")
  void writesWhatStockWrites(DecoderSpec spec, @TempDir Path folder)
      throws IOException, OrtException {
    DecoderModels.write(folder, spec, 11);
    List<Integer> expected;
    try (StockDecoder stock = new StockDecoder(GenAiConfig.read(folder))) {
      expected = stock.greedy(new int[] {5, 9, 2, 60}, TOKENS);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        Main.run(
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            "run",
            folder.toString(),
            "--json",
            "--prompt-ids=5,9,2,60",
            "--max-tokens=" + TOKENS,
            "--expert-memory=30%");
    assertEquals(0, exitCode, err.toString(UTF_8));
    assertEquals(
        expected,
        JsonParser.parseString(out.toString(UTF_8))
            .getAsJsonObject()
            .getAsJsonArray("token_ids")
            .asList()
            .stream()
            .map(JsonElement::getAsInt)
            .toList());
  }
}
