package dev.warmgate.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.proto.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecoderStateTest {
  @TempDir Path directory;

  private DecoderModel open(ToyDecoder toy) throws IOException, OrtException {
    toy.write(directory);
    return DecoderModel.open(OrtEnvironment.getEnvironment(), directory, options -> {});
  }

  @ParameterizedTest
  @CsvSource({
    "INT64,FLOAT,false,true",
    "INT64,FLOAT,true,true",
    "INT64,FLOAT16,true,false",
    "INT32,FLOAT16,false,true",
    "INT32,FLOAT,true,false",
  })
  void computesWhatTheModelSays(DataType ids, DataType cache, boolean positions, boolean allRows)
      throws IOException, OrtException {
    ToyDecoder toy = new ToyDecoder(ids, cache, positions, allRows);
    try (DecoderModel model = open(toy)) {
      for (long seed = 0; seed < 5; seed++) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] tokens = random.ints(20, 0, ToyDecoder.VOCABULARY).toArray();
        try (DecoderState state = model.start(tokens.length)) {
          for (int from = 0; from < tokens.length; ) {
            int to = Math.min(tokens.length, from + 1 + random.nextInt(4));
            float[] logits = state.append(Arrays.copyOfRange(tokens, from, to));
            float[] expected = toy.logits(Arrays.copyOf(tokens, to));
            assertArrayEquals(expected, logits, 1e-5f, "seed " + seed + ", " + to + " tokens");
            from = to;
          }
        }
      }
    }
  }

  @Test
  void anInputThatNobodyDescribesIsNamed() throws IOException {
    new ToyDecoder(DataType.INT64, DataType.FLOAT, true, true).write(directory);
    Path config = directory.resolve(GenAiConfig.FILE_NAME);
    String json = Files.readString(config);
    Files.writeString(config, json.replace("cache.%d.in", "other.%d"));
    String message =
        assertThrows(
                IOException.class,
                () -> DecoderModel.open(OrtEnvironment.getEnvironment(), directory, o -> {}))
            .getMessage();
    assertTrue(message.endsWith("doesn't describe: cache.0.in"), message);
  }

  /** Models pad the rows of their last matrix: what is beyond the vocabulary is no token. */
  @Test
  void logitsBeyondTheVocabularyAreNoTokens() throws IOException, OrtException {
    int vocabulary = 6;
    ToyDecoder toy = new ToyDecoder(DataType.INT64, DataType.FLOAT, true, true);
    toy.write(directory);
    Path config = directory.resolve(GenAiConfig.FILE_NAME);
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"vocab_size\": 11", "\"vocab_size\": " + vocabulary));
    try (DecoderModel model =
        DecoderModel.open(OrtEnvironment.getEnvironment(), directory, options -> {})) {
      int beyond = 0;
      for (int token = 0; token < vocabulary; token++) {
        try (DecoderState state = model.start(1)) {
          float[] all = toy.logits(token);
          beyond += GreedySampler.best(all) >= vocabulary ? 1 : 0;
          assertArrayEquals(Arrays.copyOf(all, vocabulary), state.append(token), 1e-5f);
        }
      }
      assertTrue(beyond > 0, "the likeliest is never beyond the vocabulary");
      for (Sampling sampling : new Sampling[] {Sampling.GREEDY, new Sampling(100, 1, 3)}) {
        Generation written = new Generator(model).generate(new int[] {1}, 30, sampling, _ -> {});
        assertEquals(30, written.tokens().size());
        assertTrue(written.tokens().stream().allMatch(id -> id < vocabulary));
      }
    }
  }

  @Test
  void stopTokensEndTheText() throws IOException, OrtException {
    ToyDecoder toy = new ToyDecoder(DataType.INT64, DataType.FLOAT, true, true);
    try (DecoderModel model = open(toy)) {
      Generation free =
          new Generator(model).generate(new int[] {1}, 30, Sampling.GREEDY, token -> {});
      assertEquals(30, free.tokens().size());
      assertEquals(Generation.Finish.LENGTH, free.finish());
      int stop = free.tokens().get(3);
      Path config = directory.resolve(GenAiConfig.FILE_NAME);
      String json = Files.readString(config);
      Files.writeString(config, json.replace("[]", Integer.toString(stop)));
      try (DecoderModel stopping =
          DecoderModel.open(OrtEnvironment.getEnvironment(), directory, options -> {})) {
        Generation stopped =
            new Generator(stopping).generate(new int[] {1}, 30, Sampling.GREEDY, token -> {});
        assertEquals(Generation.Finish.STOP, stopped.finish());
        assertEquals(free.tokens().subList(0, free.tokens().indexOf(stop)), stopped.tokens());
      }
      Generation full =
          new Generator(model)
              .generate(new int[ToyDecoder.CONTEXT - 3], 30, Sampling.GREEDY, token -> {});
      assertEquals(3, full.tokens().size());
      assertEquals(Generation.Finish.CONTEXT, full.finish());
    }
  }
}
