package dev.warmgate.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenAiConfigTest {
  private static final String DECODER =
      "'filename':'m.onnx','head_size':8,'num_hidden_layers':2,'num_key_value_heads':4";

  @TempDir Path directory;

  @Test
  void readsWhatTheBuilderWrites() throws IOException {
    Files.createFile(directory.resolve("m.onnx"));
    GenAiConfig config =
        read(
            "{'model':{'vocab_size':32,'context_length':64,'eos_token_id':[2,3],'decoder':{"
                + DECODER
                + ",'inputs':{'input_ids':'ids','past_key_names':'pk.%d'},"
                + "'outputs':{'logits':'scores'}}},'search':{'max_length':64}}");
    assertEquals(directory.resolve("m.onnx"), config.model());
    assertEquals(32, config.vocabularySize());
    assertEquals(64, config.contextLength());
    assertEquals(List.of(2, 3), config.stopIds());
    assertEquals(2, config.layers());
    assertEquals(4, config.keyValueHeads());
    assertEquals(8, config.headSize());
    assertEquals(
        new GenAiConfig.Names(
            "ids",
            "attention_mask",
            "position_ids",
            "pk.%d",
            "past_key_values.%d.value",
            "scores",
            "present.%d.key",
            "present.%d.value"),
        config.names());
    assertEquals("pk.11", GenAiConfig.Names.of("pk.%d", 11));
  }

  @Test
  void oneStopIdOrNone() throws IOException {
    Files.createFile(directory.resolve("m.onnx"));
    assertEquals(List.of(5), read(model("'eos_token_id':5,")).stopIds());
    assertEquals(List.of(), read(model("")).stopIds());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "[1]                        | not a JSON object",
        "{                          | not valid JSON",
        "{}                         | model is missing",
        "{'model':7}                | model is not an object: 7",
        "{'model':{'vocab_size':1}} | model.decoder is missing",
      })
  void namesTheFileAndTheKey(String json, String reason) {
    assertRefused(json, directory.resolve(GenAiConfig.FILE_NAME) + ": " + reason);
  }

  @Test
  void namesTheKeyOfAWrongValue() {
    assertRefused(model("'vocab_size':0,"), "model.vocab_size is not above 0: 0");
    assertRefused(model("'vocab_size':1.5,"), "model.vocab_size is not a whole number: 1.5");
    assertRefused(model("'vocab_size':'a',"), "model.vocab_size is not a whole number: \"a\"");
    assertRefused(model("'eos_token_id':[1,'x'],"), "model.eos_token_id is not a whole number");
    assertRefused(
        model("'eos_token_id':32,"), "model.eos_token_id id 32 is outside the vocabulary of 32");
    assertRefused(
        model("").replace("m.onnx", "m\\u0000"),
        GenAiConfig.FILE_NAME + ": model.decoder.filename can't be the name of a file: ");
    assertRefused(
        model("").replace("'head_size':8", "'head_size':null"),
        "model.decoder.head_size is not a whole number: null");
    assertRefused(
        model("").replace("'head_size':8", "'head_size':8,'inputs':{'past_key_names':'pk'}"),
        "model.decoder.inputs.past_key_names has no %d for the layer: pk");
  }

  @Test
  void namesAMissingFile() {
    assertRefused(model(""), directory.resolve("m.onnx") + ": no such file");
    Path absent = directory.resolve("absent");
    assertEquals(
        absent + ": no such folder",
        assertThrows(IOException.class, () -> GenAiConfig.read(absent)).getMessage());
  }

  /** A good model, unless {@code fields} says otherwise first. */
  private static String model(String fields) {
    String rest = "'vocab_size':32,";
    return "{'model':{"
        + fields
        + (fields.contains("vocab_size") ? "" : rest)
        + "'context_length':64,'decoder':{"
        + DECODER
        + "}}}";
  }

  private void assertRefused(String json, String reason) {
    String message = assertThrows(IOException.class, () -> read(json)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  private GenAiConfig read(String json) throws IOException {
    Files.writeString(directory.resolve(GenAiConfig.FILE_NAME), json.replace('\'', '"'));
    return GenAiConfig.read(directory);
  }
}
