package dev.warmgate.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.cli.Main;
import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.OnnxModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the command says of a real model's perplexity, beside plain arithmetic on its logits. */
class EvaluateTest {
  private static final Path TEXT =
      Path.of(System.getProperty("warmgate.home"), "examples", "model", "heldout", "prose.txt");

  private record Result(int exitCode, String out, String err) {}

  /**
   * The model's experts.
   *
   * @param bytes of all experts
   * @param aToken experts that a token chooses in all layers together
   */
  private record Experts(long bytes, long aToken) {
    static Experts ofModel() throws IOException {
      ModelInspection model =
          ModelInspection.of(OnnxModel.read(GenAiConfig.read(ExampleModel.directory()).model()));
      return new Experts(
          model.expertBytesTotal(), model.layers().stream().mapToLong(MoeLayer::topK).sum());
    }
  }

  private static Result evaluate(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    List<String> all = new ArrayList<>(List.of("evaluate", ExampleModel.directory().toString()));
    all.addAll(List.of(args));
    int exitCode =
        Main.run(
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            all.toArray(String[]::new));
    return new Result(exitCode, out.toString(UTF_8), err.toString(UTF_8));
  }

  private static JsonObject json(String... args) {
    List<String> all = new ArrayList<>(List.of("--json", "--text", TEXT.toString()));
    all.addAll(List.of(args));
    Result result = evaluate(all.toArray(String[]::new));
    assertEquals(0, result.exitCode, result.err);
    assertEquals("", result.err);
    assertEquals(1, result.out.lines().count(), result.out);
    return JsonParser.parseString(result.out).getAsJsonObject();
  }

  private static List<JsonObject> rows(JsonObject report) {
    JsonArray rows = report.getAsJsonArray("rows");
    return rows.asList().stream().map(JsonElement::getAsJsonObject).toList();
  }

  private static double number(JsonObject row, String key) {
    return row.get(key).getAsDouble();
  }

  @Test
  void perplexityIsThatOfOnePassOverTheText() throws IOException, OrtException {
    JsonObject report =
        json(
            "--max-tokens",
            "150",
            "--expert-memory",
            "25%",
            "--routing",
            "lossless",
            "--option",
            "precision=exact");
    assertEquals(150, report.get("tokens").getAsInt());
    assertEquals(TEXT.toString(), report.get("text").getAsString());
    List<JsonObject> rows = rows(report);
    assertEquals(2, rows.size());
    double stock = number(rows.getFirst(), "perplexity");
    assertEquals(1, stock / perplexity(150, 151), 1e-4);
    assertEquals(1, number(rows.getLast(), "perplexity") / stock, 1e-5);
    double bits = 150 * Math.log(stock) / Math.log(2) / report.get("bytes").getAsInt();
    assertEquals(bits, number(rows.getFirst(), "bits_per_byte"), 1e-9);
    assertEquals(spelled(150), report.get("bytes").getAsInt());
  }

  /** The bytes of the text's first tokens: in its vocabulary, a byte is a character. */
  private static int spelled(int tokens) throws IOException {
    Path file = ExampleModel.directory().resolve("tokenizer.json");
    JsonObject model = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    Map<Integer, Integer> lengths = new HashMap<>();
    model
        .getAsJsonObject("model")
        .getAsJsonObject("vocab")
        .asMap()
        .forEach((token, id) -> lengths.put(id.getAsInt(), token.length()));
    try (Tokenizer tokenizer = TokenizerProvider.find(ExampleModel.directory())) {
      return Arrays.stream(tokenizer.encode(Files.readString(TEXT)), 1, tokens + 1)
          .map(lengths::get)
          .sum();
    }
  }

  @Test
  void aLongTextIsScoredInWindowsThatBeginAnew(@TempDir Path folder)
      throws IOException, OrtException {
    ExampleModel.changed(folder, "(?<=\"context_length\": )\\d+", "40");
    Files.copy(
        ExampleModel.directory().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(out, true, UTF_8);
    int exitCode =
        Main.run(
            stream,
            stream,
            "evaluate",
            folder.toString(),
            "--json",
            "--text",
            TEXT.toString(),
            "--max-tokens",
            "100",
            "--expert-memory",
            "100%",
            "--routing",
            "lossless");
    assertEquals(0, exitCode, out.toString(UTF_8));
    JsonObject report = JsonParser.parseString(out.toString(UTF_8)).getAsJsonObject();
    assertEquals(100, report.get("tokens").getAsInt());
    assertEquals(1, number(rows(report).getFirst(), "perplexity") / perplexity(100, 40), 1e-4);
  }

  /** Of stock ONNX Runtime, all positions of a window at once. */
  private static double perplexity(int tokens, int window) throws IOException, OrtException {
    int[] ids;
    try (Tokenizer tokenizer = TokenizerProvider.find(ExampleModel.directory())) {
      ids = Arrays.copyOf(tokenizer.encode(Files.readString(TEXT)), tokens + 1);
    }
    GenAiConfig config = GenAiConfig.read(ExampleModel.directory());
    OrtEnvironment environment = ExampleModel.environment();
    double surprise = 0;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OrtSession session = environment.createSession(config.model().toString(), options)) {
      for (int from = 1; from <= tokens; from += window - 1) {
        int count = Math.min(window - 1, tokens + 1 - from);
        long[][] row = new long[1][count + 1];
        row[0][0] = ids[0]; // the one that the tokenizer puts before a text
        for (int i = 0; i < count; i++) {
          row[0][i + 1] = ids[from + i];
        }
        float[][] logits = logits(environment, session, config, row);
        for (int i = 0; i < count; i++) {
          surprise += surprise(logits[i], (int) row[0][i + 1]);
        }
      }
    }
    return Math.exp(surprise / tokens);
  }

  private static float[][] logits(
      OrtEnvironment environment, OrtSession session, GenAiConfig config, long[][] row)
      throws OrtException {
    Map<String, OnnxTensor> inputs = new HashMap<>();
    long[][] mask = new long[1][row[0].length];
    Arrays.fill(mask[0], 1);
    inputs.put(config.names().inputIds(), OnnxTensor.createTensor(environment, row));
    inputs.put(config.names().attentionMask(), OnnxTensor.createTensor(environment, mask));
    long[] shape = {1, config.keyValueHeads(), 0, config.headSize()};
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String pattern : List.of(config.names().pastKey(), config.names().pastValue())) {
        inputs.put(
            pattern.replace("%d", Integer.toString(layer)),
            OnnxTensor.createTensor(environment, FloatBuffer.allocate(0), shape));
      }
    }
    try (OrtSession.Result result = session.run(inputs)) {
      return ((float[][][]) result.get(config.names().logits()).orElseThrow().getValue())[0];
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static double surprise(float[] logits, int id) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return Math.log(sum) - logits[id];
  }

  @Test
  void aBiasOfNothingChangesNothing() {
    List<JsonObject> rows =
        rows(
            json(
                "--max-tokens=60",
                "--expert-memory=25%",
                "--routing=lossless,cache-prior",
                "--lambda=0,2",
                "--option=routing.keep_top=0"));
    JsonObject lossless = rows.get(1);
    JsonObject nothing = rows.get(2);
    JsonObject strong = rows.get(3);
    assertEquals(lossless.get("perplexity"), nothing.get("perplexity"));
    assertEquals(lossless.get("hit_rate"), nothing.get("hit_rate"));
    for (JsonObject same : List.of(lossless, nothing)) {
      assertEquals(0, number(same, "kl"));
      assertEquals(1, number(same, "agreement"));
      assertEquals(1, number(same, "mass_kept"));
    }
    assertTrue(lossless.get("lambda").isJsonNull());
    assertEquals(0, number(nothing, "lambda"));
    assertTrue(number(strong, "kl") > 0.01, strong.toString());
    assertTrue(number(strong, "agreement") < 0.9, strong.toString());
    assertTrue(number(strong, "mass_kept") < 1, strong.toString());
    assertTrue(number(strong, "hit_rate") > number(lossless, "hit_rate"), strong.toString());
  }

  @Test
  void eachRowCountsForItself() throws IOException {
    Experts experts = Experts.ofModel();
    JsonObject report = json("--max-tokens", "20", "--expert-memory", "50%,12.5%");
    List<JsonObject> rows = rows(report);
    assertEquals(
        List.of("stock", "lossless", "cache-prior", "max-rank", "adaptive"),
        rows.stream().map(row -> row.get("routing").getAsString()).distinct().toList());
    assertEquals(1 + 2 * 7, rows.size());
    for (String key : List.of("expert_memory_bytes", "hit_rate", "bytes_read", "kl")) {
      assertTrue(rows.getFirst().get(key).isJsonNull(), key);
    }
    for (JsonObject row : rows) {
      assertTrue(number(row, "perplexity") > 1, row.toString());
      assertTrue(number(row, "tokens_per_s") > 0, row.toString());
    }
    for (JsonObject row : rows.subList(1, rows.size())) {
      long asked = row.get("hits").getAsLong() + row.get("misses").getAsLong();
      assertEquals(20 * experts.aToken, asked, row.toString());
      boolean half = row.get("expert_memory").getAsString().equals("50%");
      long budget = row.get("expert_memory_bytes").getAsLong();
      assertEquals(experts.bytes / (half ? 2 : 8), budget, row.toString());
      assertTrue(row.get("peak_slot_bytes").getAsLong() <= budget, row.toString());
      // An early read may be under way while the row is counted.
      assertTrue(row.get("bytes_read").getAsLong() <= 20 * experts.bytes, row.toString());
      boolean strength = List.of("cache-prior", "adaptive").contains(text(row, "routing"));
      assertEquals(!strength, row.get("lambda").isJsonNull(), row.toString());
    }
  }

  private static String text(JsonObject row, String key) {
    return row.get(key).getAsString();
  }

  @Test
  void aTableForPeople() {
    Result result =
        evaluate(
            "--text=" + TEXT,
            "--max-tokens=30",
            "--expert-memory=25%",
            "--routing=lossless,max-rank",
            "--threads=1",
            "--option=routing.keep_top=0");
    assertEquals(0, result.exitCode, result.err);
    assertTrue(result.out.contains("30 tokens of"), result.out);
    assertTrue(result.out.contains("hit rate"), result.out);
    assertFalse(result.out.contains("NaN"), result.out);
  }

  @Test
  void badInputIsOneLineThatNamesIt(@TempDir Path folder) throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    Path binary = Files.write(folder.resolve("binary.txt"), new byte[] {(byte) 0xff, 1});
    assertUnusable("--text");
    assertUnusable("absent.txt: no such file", "--text", folder + "/absent.txt");
    assertUnusable("not a file", "--text", folder.toString());
    assertUnusable("empty.txt: too short", "--text", empty.toString());
    assertUnusable("binary.txt: not a text in UTF-8", "--text", binary.toString());
    String text = "--text=" + TEXT;
    assertUnusable("--max-tokens", text, "--max-tokens", "0");
    assertUnusable("--max-tokens", text, "--max-tokens", "few");
    assertUnusable("--routing: 'magic'", text, "--routing", "lossless,magic");
    assertUnusable("routing.lambda", text, "--lambda", "0.1,NaN");
    assertUnusable("expert_memory", text, "--expert-memory", "100%,,25%");
    assertUnusable("expert_memory", text, "--expert-memory", "1k");
    assertUnusable("threads", text, "--threads", "0");
    assertUnusable("'nonsense'", text, "--option", "nonsense=1");
    assertUnusable("use --lambda", text, "--option", "routing.lambda=1");
    assertUnusable("use --routing", text, "--option", "routing=lossless");
    assertUnusable("use --expert-memory", text, "--option", "expert_memory=1g");
    assertUnusable(
        "routing.max_rank", text, "--routing", "lossless", "--option", "routing.max_rank=4");
  }

  private static void assertUnusable(String reason, String... args) {
    Result result = evaluate(args);
    assertEquals(2, result.exitCode, result.err);
    assertEquals("", result.out);
    assertTrue(result.err.contains(reason), result.err);
    assertEquals(1, result.err.lines().count(), result.err);
  }

  @Test
  @Tag("slow")
  void theWholeTable() {
    assertEquals(1 + 4 * 7, rows(json("--max-tokens", "60")).size());
  }
}
