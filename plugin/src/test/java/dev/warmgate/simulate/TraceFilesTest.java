package dev.warmgate.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceFilesTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(ints = {3, 256, 257, 700})
  void whatWasRecordedIsRead(int experts) throws IOException {
    TraceRecorder recorder = new TraceRecorder(new Trace.Header("m", 2, experts, 2), true);
    // Two tokens at once in each layer, then one in each.
    recorder.select(0, new int[] {experts - 1, 0}, gate(experts, 1));
    recorder.select(0, new int[] {1, 2}, gate(experts, 2));
    recorder.select(1, new int[] {2, 1}, gate(experts, 3));
    recorder.select(1, new int[] {0, experts - 1}, gate(experts, 4));
    recorder.endSequence("a");
    recorder.select(0, new int[] {0, 1}, gate(experts, 5));
    recorder.select(1, new int[] {1, 0}, gate(experts, 6));
    recorder.endSequence("b\"é");
    Path base = folder.resolve("trace");
    TraceWriter.write(recorder.trace(), base);
    for (Path path : new Path[] {base, folder.resolve("trace.json")}) {
      Trace trace = TraceReader.read(path);
      assertEquals(recorder.trace().header(), trace.header());
      assertEquals(recorder.trace().sequences(), trace.sequences());
      assertEquals(3, trace.tokens());
      assertEquals(experts - 1, trace.expert(0, 0, 0));
      assertEquals(2, trace.expert(0, 1, 0));
      assertEquals(experts - 1, trace.expert(1, 1, 1));
      assertEquals(1, trace.expert(2, 0, 1));
      assertEquals(3 + (experts - 1) / 1024f, trace.logit(0, 1, experts - 1), 2e-3f);
      assertEquals(5, trace.logit(2, 0, 0));
    }
    try (var files = Files.list(folder)) {
      assertEquals(3, files.count());
    }
  }

  private static float[] gate(int experts, int value) {
    float[] gate = new float[experts];
    for (int i = 0; i < experts; i++) {
      gate[i] = value + i / 1024f;
    }
    return gate;
  }

  @Test
  void logitsOfAnotherTraceGo() throws IOException {
    Path base = folder.resolve("t");
    Files.write(folder.resolve("t.logits.f16"), new byte[8]);
    TraceWriter.write(Traces.skewed(2, 4, 1, 10, 1), base);
    assertFalse(Files.exists(folder.resolve("t.logits.f16")));
    assertTrue(TraceReader.read(base).logits().isEmpty());
  }

  @Test
  void layersThatReportDifferentTokensAreNoSequence() {
    TraceRecorder recorder = new TraceRecorder(new Trace.Header("m", 2, 4, 1), false);
    assertThrows(IllegalStateException.class, () -> recorder.endSequence("none"));
    recorder.select(0, new int[] {1}, null);
    assertThrows(IllegalStateException.class, () -> recorder.endSequence("half"));
  }

  /** Each spoils one thing of a trace that is good: 2 layers, 4 experts, top 1, 6 tokens. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{ | [ | t.json: not a JSON object",
        "\"layers\":2 | \"layers\":0 | t.json: layers is 0, not a number from 1",
        "\"layers\":2 | \"layers\":2.5 | t.json: layers is 2.5, not a number",
        "\"layers\":2 | \"layers\":[2] | t.json: layers is [2], not a number",
        "\"layers\":2 | \"other\":2 | t.json: layers is null, not a number",
        "\"layers\":2 | \"layers\":5 | t.u8: 12 bytes are not a number of tokens of 5 bytes",
        "\"experts\":4 | \"experts\":2 | of 2",
        "\"experts\":4 | \"experts\":99999999999999999999 | t.json: experts is",
        "\"top_k\":1 | \"top_k\":5 | t.json: top_k is 5, not a number from 1 to 4",
        "\"top_k\":1 | \"top_k\":2 | t.json: offset is 3, not a number from 0 to 2",
        "\"model\":\"m\" | \"model\":7 | t.json: model is missing or no string",
        "\"sequences\": | \"sequence\": | t.json: sequences is missing or no list",
        "{\"name\":\"a\" | 3,{\"name\":\"a\" | t.json: a sequence is no object",
        "\"offset\":3 | \"offset\":2 | 'b' begins at token 2, before the end of another at 3",
        "\"offset\":3 | \"offset\":4 | 'b' begins at token 4, and none has token 3",
        "\"tokens\":2 | \"tokens\":1 | 'c' begins at token 5, and none has token 4",
        "\"offset\":5,\"tokens\":1 | \"offset\":1,\"tokens\":1 | 'c' begins at token 1, before",
        "\"tokens\":2 | \"tokens\":0 | t.json: tokens is 0",
        "\"tokens\":2 | \"tokens\":-1 | t.json: tokens is -1",
      })
  void badTracesAreOneLine(String good, String bad, String message) throws IOException {
    Path base = good();
    Path json = folder.resolve("t.json");
    String text = Files.readString(json);
    assertTrue(text.contains(good), text);
    Files.writeString(json, text.replace(good, bad));
    IOException error = assertThrows(IOException.class, () -> TraceReader.read(base));
    assertTrue(error.getMessage().contains(message), error.getMessage());
    assertFalse(error.getMessage().contains("\n"));
  }

  @Test
  void badFilesAreOneLine() throws IOException {
    assertBad(folder.resolve("none"), "none.json: no such file");
    Path base = good();
    Path ids = folder.resolve("t.u8");
    byte[] good = Files.readAllBytes(ids);
    Files.write(ids, new byte[0]);
    assertBad(base, "t.u8: 0 bytes are not a number of tokens");
    Files.write(ids, Arrays.copyOf(good, 11));
    assertBad(base, "t.u8: 11 bytes are not a number of tokens of 2 bytes");
    Files.write(ids, Arrays.copyOf(good, 14));
    assertBad(base, "have 6 tokens, but");
    good[5] = (byte) 200;
    Files.write(ids, good);
    assertBad(base, "t.u8: token 2, layer 1: expert 200 of 4");
    good[5] = good[4];
    Files.write(ids, good);
    Path json = folder.resolve("t.json");
    String text = Files.readString(json);
    Files.writeString(
        json, text.replace("\"top_k\":1", "\"top_k\":2").replace("\"layers\":2", "\"layers\":1"));
    assertBad(base, "t.u8: token 0, layer 0: expert 3 is selected twice");
    Files.writeString(json, text);
    Files.delete(ids);
    assertBad(base, "t.u8: no such file");
    good();
    Files.write(folder.resolve("t.logits.f16"), new byte[95]);
    assertBad(base, "t.logits.f16: 95 bytes instead of 96, for 6 tokens");
    Files.write(folder.resolve("t.json"), new byte[] {(byte) 0xff, (byte) 0xfe});
    assertBad(base, "t.json: not a text in UTF-8");
  }

  private void assertBad(Path base, String message) {
    IOException error = assertThrows(IOException.class, () -> TraceReader.read(base));
    assertTrue(error.getMessage().contains(message), error.getMessage());
    assertFalse(error.getMessage().contains("\n"));
  }

  private Path good() throws IOException {
    TraceRecorder recorder = new TraceRecorder(new Trace.Header("m", 2, 4, 1), false);
    int[] tokens = {3, 2, 1};
    for (int sequence = 0; sequence < 3; sequence++) {
      for (int token = 0; token < tokens[sequence]; token++) {
        recorder.select(0, new int[] {3}, null);
        recorder.select(1, new int[] {3}, null);
      }
      recorder.endSequence("abc".substring(sequence, sequence + 1));
    }
    Path base = folder.resolve("t");
    TraceWriter.write(recorder.trace(), base);
    assertEquals(recorder.trace().sequences(), TraceReader.read(base).sequences());
    return base;
  }
}
