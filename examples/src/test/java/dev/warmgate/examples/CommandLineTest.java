package dev.warmgate.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.cli.Main;
import dev.warmgate.generate.GenAiConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on a real model. */
class CommandLineTest {
  private static final List<String> ENTRY =
      List.of(
          "name",
          "text",
          "tokens",
          "tokens_per_s",
          "hit_rate",
          "bytes_read",
          "expert_memory_bytes",
          "peak_rss_bytes");

  /** What a text takes that is to be stock's. */
  private static final List<String> EXACT = List.of("--option", "precision=exact");

  private record Result(int exitCode, String out, String err) {
    JsonObject json() {
      assertEquals(0, exitCode, err);
      assertEquals(1, out.lines().count(), out);
      return JsonParser.parseString(out).getAsJsonObject();
    }
  }

  private static Result run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        Main.run(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), args);
    return new Result(exitCode, out.toString(UTF_8), err.toString(UTF_8));
  }

  private static Result onModel(String command, String... args) {
    List<String> all = new ArrayList<>(List.of(command, ExampleModel.directory().toString()));
    all.addAll(List.of(args));
    return run(all.toArray(String[]::new));
  }

  private static void assertUnusable(String reason, Result result) {
    assertEquals(2, result.exitCode, result.err);
    assertEquals("", result.out);
    assertTrue(result.err.contains(reason), result.err);
    assertEquals(1, result.err.lines().count(), result.err);
  }

  private static void assertHas(JsonObject json, List<String> keys) {
    keys.forEach(key -> assertTrue(json.has(key), key + " in " + json));
  }

  @Test
  void runWritesTextOrOneObject() {
    Result text = onModel("run", "--prompt", ExampleModel.PROMPT, "--max-tokens", "12");
    assertEquals(0, text.exitCode, text.err);
    assertTrue(text.out.startsWith(ExampleModel.PROMPT), text.out);
    assertTrue(text.err.contains("tokens/s"), text.err);

    Result result =
        onModel(
            "run",
            "--json",
            "--prompt",
            ExampleModel.PROMPT,
            "--max-tokens",
            "12",
            "--expert-memory",
            "25%");
    JsonObject json = result.json();
    assertEquals("", result.err);
    assertHas(json, ENTRY);
    assertHas(json, List.of("token_ids", "prefill_ms", "decode_ms_per_token"));
    assertHas(json.getAsJsonArray("runs").get(0).getAsJsonObject(), ENTRY);
    assertEquals("lossless", json.get("name").getAsString());
    assertEquals(text.out.strip(), (ExampleModel.PROMPT + json.get("text").getAsString()).strip());
    assertEquals(json.get("tokens").getAsInt(), json.getAsJsonArray("token_ids").size());
    assertTrue(json.get("bytes_read").getAsLong() > 0);
    assertTrue(
        json.get("peak_slot_bytes").getAsLong() <= json.get("expert_memory_bytes").getAsLong());

    assertEquals("fast", json.get("precision").getAsString());

    JsonObject stock = written(List.of("--stock"));
    assertTrue(stock.get("precision").isJsonNull());
    JsonObject exact = written(EXACT);
    assertEquals("exact", exact.get("precision").getAsString());
    assertEquals(exact.get("token_ids"), stock.get("token_ids"));
    assertEquals("stock", stock.get("name").getAsString());
    assertTrue(stock.get("hit_rate").isJsonNull());
  }

  private static JsonObject written(List<String> options) {
    List<String> all = new ArrayList<>(List.of("--json", "--prompt", ExampleModel.PROMPT));
    all.addAll(List.of("--max-tokens", "12"));
    all.addAll(options);
    return onModel("run", all.toArray(String[]::new)).json();
  }

  @Test
  void runWritesSeveralSideBySide(@TempDir Path folder) throws IOException {
    List<String> prompts = List.of(ExampleModel.PROMPT, "The LORD", "He that hath an ear");
    List<String> options = new ArrayList<>(List.of("--max-tokens", "20", "--batch", "2", "--json"));
    options.addAll(EXACT);
    prompts.forEach(prompt -> options.addAll(List.of("--prompt", prompt)));
    JsonObject all = onModel("run", options.toArray(String[]::new)).json();
    assertHas(all, List.of("tokens", "tokens_per_s", "hit_rate", "bytes_read", "peak_rss_bytes"));
    for (int i = 0; i < prompts.size(); i++) {
      JsonObject alone =
          onModel("run", "--prompt", prompts.get(i), "--max-tokens", "20", "--json", "--stock")
              .json();
      JsonObject text = all.getAsJsonArray("runs").get(i).getAsJsonObject();
      assertEquals(prompts.get(i), text.get("prompt").getAsString());
      for (String key : List.of("token_ids", "text", "tokens", "finish")) {
        assertEquals(alone.get(key), text.get(key), key);
      }
    }
    Path file = Files.writeString(folder.resolve("prompts.txt"), String.join("\n", prompts));
    Result fromFile = onModel("run", "--prompts", file.toString(), "--max-tokens", "5");
    assertEquals(0, fromFile.exitCode, fromFile.err);
    assertEquals(
        List.of("== 1 of 3 ==", "== 2 of 3 ==", "== 3 of 3 =="),
        fromFile.out.lines().filter(line -> line.startsWith("==")).toList());
    assertUnusable("no such file", onModel("run", "--prompts", folder + "/none"));
    assertUnusable("--batch", onModel("run", "--prompt", "a", "--batch", "0"));
    assertUnusable("--prompt", onModel("run", "--prompt", "a", "--prompt-ids", "1"));
  }

  @Test
  void runTakesIdsAndSeeds() {
    String[] sampled = {
      "--json", "--prompt-ids", "5,6,7", "--temperature", "1", "--top-p", "0.9", "--seed", "4"
    };
    assertEquals(
        onModel("run", sampled).json().get("token_ids"),
        onModel("run", sampled).json().get("token_ids"));
    assertUnusable("-1", onModel("run", "--prompt-ids", "-1"));
    assertUnusable("vocabulary", onModel("run", "--prompt-ids", "99999999"));
    assertUnusable("--prompt-ids", onModel("run", "--prompt-ids", "a"));
    assertUnusable("context", onModel("run", "--prompt", "and ".repeat(2000)));
  }

  @Test
  void inspectFindsTheLayers() {
    JsonObject json = onModel("inspect", "--json").json();
    JsonArray layers = json.getAsJsonArray("layers");
    assertFalse(layers.isEmpty());
    long total = 0;
    for (JsonElement element : layers) {
      JsonObject layer = element.getAsJsonObject();
      assertHas(
          layer,
          List.of(
              "name",
              "op",
              "experts",
              "top_k",
              "format",
              "bytes_per_expert",
              "gate",
              "activation"));
      total += layer.get("bytes_per_expert").getAsLong() * layer.get("experts").getAsLong();
    }
    assertEquals(total, json.get("expert_bytes_total").getAsLong());
    assertEquals(0, json.getAsJsonArray("unsupported").size());
    assertEquals(0, onModel("inspect").exitCode);
  }

  @Test
  void checkPassesWhateverTheBudget() {
    for (String memory : List.of("100%", "25%", "2%")) {
      for (String tokens : List.of("1", "33")) {
        JsonObject json =
            onModel(
                    "check",
                    "--json",
                    "--expert-memory",
                    memory,
                    "--tokens",
                    tokens,
                    "--past",
                    "5",
                    "--runs",
                    "2")
                .json();
        assertTrue(json.get("pass").getAsBoolean());
        assertHas(json, List.of("hit_rate", "ort_ms", "warmgate_ms"));
        assertTrue(json.get("loads").getAsLong() > 0);
        for (JsonElement output : json.getAsJsonArray("outputs")) {
          assertHas(
              output.getAsJsonObject(),
              List.of("name", "max_abs_error", "max_rel_error", "rms_error"));
        }
      }
    }
    assertUnusable("expert_memory", onModel("check", "--expert-memory", "16"));
    assertUnusable("precision", onModel("check", "--precision", "some"));
  }

  @Test
  void inferReadsAndWritesRawFiles(@TempDir Path folder) throws IOException {
    GenAiConfig config = GenAiConfig.read(ExampleModel.directory());
    List<String> args = new ArrayList<>(List.of("--json", "--output-dir", folder + "/out"));
    args.addAll(input("input_ids", "1,3", longs(folder.resolve("ids"), 5, 6, 7)));
    args.addAll(input("attention_mask", "1,3", longs(folder.resolve("mask"), 1, 1, 1)));
    Path empty = Files.createFile(folder.resolve("empty"));
    String shape = "1," + config.keyValueHeads() + ",0," + config.headSize();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String pattern : List.of(config.names().pastKey(), config.names().pastValue())) {
        args.addAll(input(pattern.replace("%d", Integer.toString(layer)), shape, empty));
      }
    }
    JsonObject json = onModel("infer", args.toArray(String[]::new)).json();
    assertHas(json, List.of("hit_rate", "bytes_read", "expert_memory_bytes"));
    JsonObject logits = json.getAsJsonArray("outputs").get(0).getAsJsonObject();
    assertEquals("logits", logits.get("name").getAsString());
    assertEquals("float32", logits.get("type").getAsString());
    assertEquals("[1,3," + config.vocabularySize() + "]", logits.get("shape").toString());
    assertEquals(
        3L * config.vocabularySize() * Float.BYTES,
        Files.size(Path.of(logits.get("file").getAsString())));

    List<String> wrong = new ArrayList<>(args);
    wrong.set(wrong.indexOf("input_ids=1,3"), "input_ids=1,4");
    assertUnusable("has 24 bytes", onModel("infer", wrong.toArray(String[]::new)));
    wrong.set(wrong.indexOf("input_ids=1,4"), "nonsense=1,4");
    assertUnusable("no input nonsense", onModel("infer", wrong.toArray(String[]::new)));
    assertUnusable(
        "--input is missing for attention_mask", onModel("infer", "--output-dir", folder + "/out"));
  }

  private static List<String> input(String name, String shape, Path file) {
    return List.of("--input", name + "=" + file, "--shape", name + "=" + shape);
  }

  private static Path longs(Path file, long... values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      bytes.putLong(value);
    }
    return Files.write(file, bytes.array());
  }

  @Test
  @Tag("slow")
  void demoComparesProcesses() {
    JsonObject json = run("demo", "--json", "--max-tokens", "16", "--warm-up", "100").json();
    assertTrue(json.get("equal").getAsBoolean());
    List<String> names = new ArrayList<>();
    for (JsonElement entry : json.getAsJsonArray("runs")) {
      JsonObject entryObject = entry.getAsJsonObject();
      assertHas(entryObject, ENTRY);
      assertTrue(entryObject.get("peak_rss_bytes").getAsLong() > 0);
      names.add(entryObject.get("name").getAsString());
    }
    assertEquals(List.of("stock", "lossless-100", "lossless-25", "bounded-25"), names);
    Result failed = run("demo", ExampleModel.directory().toString(), "--threads", "0");
    assertUnusable("threads", failed);
  }

  @Test
  void aRepackedModelIsUsedLikeTheModel(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("repacked");
    JsonObject made = onModel("repack", "--json", "--out", out.toString()).json();
    assertHas(made, List.of("model", "store", "bytes_in", "bytes_out", "layers", "experts"));
    assertEquals(0, made.getAsJsonArray("left").size());
    assertEquals(made.get("store").getAsString(), made.get("model").getAsString() + ".experts");

    String[] options = {
      "--json", "--prompt", ExampleModel.PROMPT, "--max-tokens", "12", "--expert-memory", "25%"
    };
    List<String> repacked = new ArrayList<>(List.of("run", out.toString()));
    repacked.addAll(List.of(options));
    assertEquals(
        onModel("run", options).json().get("token_ids"),
        run(repacked.toArray(String[]::new)).json().get("token_ids"));

    // Stock ONNX Runtime can't read stores: it gets the model unpacked.
    JsonObject check =
        run("check", out.toString(), "--json", "--runs", "1", "--expert-memory", "10%").json();
    assertTrue(check.get("pass").getAsBoolean());
    assertTrue(check.get("misses").getAsLong() > 0);
    assertEquals(
        onModel("inspect", "--json").json().get("layers"),
        run("inspect", out.toString(), "--json").json().get("layers"));

    assertUnusable(
        "holds this model's experts already", onModel("repack", "--out", out.toString()));
    assertEquals(0, onModel("repack", "--force", "--out", out.toString()).exitCode);
  }
}
