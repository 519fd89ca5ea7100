package dev.warmgate.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.DecoderState;
import dev.warmgate.generate.Generation;
import dev.warmgate.generate.Generator;
import dev.warmgate.generate.Sampler;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.SessionSetup;
import dev.warmgate.host.ort.WarmgateProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The decoder loop on a real model. */
class GenerationTest {
  private static final SessionSetup STOCK = options -> {};
  private static final int[] PROMPT = {260, 17, 300, 41, 5};

  private static DecoderModel model;

  @BeforeAll
  static void open() throws IOException, OrtException {
    model = DecoderModel.open(ExampleModel.environment(), ExampleModel.directory(), STOCK);
  }

  @AfterAll
  static void close() throws OrtException {
    model.close();
  }

  private static Generation generate(DecoderModel model, int[] prompt, int tokens, Sampling how)
      throws OrtException {
    return new Generator(model).generate(prompt, tokens, how, id -> {});
  }

  @Test
  void theCacheChangesNothing() throws OrtException {
    List<Integer> cached = generate(model, PROMPT, 24, Sampling.GREEDY).tokens();
    int[] all = PROMPT;
    List<Integer> recomputed = new ArrayList<>();
    for (int i = 0; i < cached.size(); i++) {
      try (DecoderState state = model.start(all.length)) {
        int next = Sampler.of(Sampling.GREEDY).next(state.append(all));
        recomputed.add(next);
        all = Arrays.copyOf(all, all.length + 1);
        all[all.length - 1] = next;
      }
    }
    assertEquals(recomputed, cached);
  }

  @Test
  void aPromptInPartsIsTheSamePrompt() throws OrtException {
    try (DecoderState whole = model.start(PROMPT.length);
        DecoderState parts = model.start(PROMPT.length)) {
      float[] expected = whole.append(PROMPT);
      parts.append(PROMPT[0]);
      parts.append(PROMPT[1], PROMPT[2]);
      float[] actual = parts.append(PROMPT[3], PROMPT[4]);
      assertEquals(PROMPT.length, parts.length());
      assertArrayEquals(expected, actual, 1e-3f);
    }
  }

  /** The model with experts in int4, and the one with experts in fp32. */
  @ParameterizedTest
  @MethodSource("dev.warmgate.examples.ExampleModel#directories")
  void warmgateWritesWhatStockWrites(Path directory) throws IOException, OrtException {
    List<Integer> expected;
    try (DecoderModel stock = DecoderModel.open(ExampleModel.environment(), directory, STOCK)) {
      expected = generate(stock, PROMPT, 200, Sampling.GREEDY).tokens();
    }
    WarmgateProvider provider = WarmgateProvider.register(ExampleModel.environment());
    for (String memory : List.of("100%", "25%", "2%")) {
      Map<String, String> given = Map.of("expert_memory", memory, "precision", "exact");
      SessionSetup setup = options -> provider.addTo(options, given);
      try (DecoderModel served = DecoderModel.open(ExampleModel.environment(), directory, setup)) {
        assertEquals(expected, generate(served, PROMPT, 200, Sampling.GREEDY).tokens(), memory);
      }
    }
  }

  @Test
  void withRoundedActivationsTheBudgetChangesNothingEither() throws IOException, OrtException {
    WarmgateProvider provider = WarmgateProvider.register(ExampleModel.environment());
    List<List<Integer>> texts = new ArrayList<>();
    for (String memory : List.of("100%", "25%", "2%")) {
      SessionSetup setup = options -> provider.addTo(options, Map.of("expert_memory", memory));
      try (DecoderModel served =
          DecoderModel.open(ExampleModel.environment(), ExampleModel.directory(), setup)) {
        texts.add(generate(served, PROMPT, 200, Sampling.GREEDY).tokens());
      }
    }
    assertEquals(1, texts.stream().distinct().count(), texts.toString());
  }

  @Test
  void promptsDoNotDisturbEachOther() throws OrtException {
    int[] other = {1, 2, 3};
    List<Integer> first = generate(model, PROMPT, 8, Sampling.GREEDY).tokens();
    List<Integer> second = generate(model, other, 8, Sampling.GREEDY).tokens();
    try (DecoderState a = model.start(64);
        DecoderState b = model.start(64)) {
      float[] logitsA = a.append(PROMPT);
      float[] logitsB = b.append(other);
      for (int i = 0; i < 8; i++) {
        int tokenA = Sampler.of(Sampling.GREEDY).next(logitsA);
        int tokenB = Sampler.of(Sampling.GREEDY).next(logitsB);
        assertEquals(first.get(i), tokenA);
        assertEquals(second.get(i), tokenB);
        logitsA = a.append(tokenA);
        logitsB = b.append(tokenB);
      }
    }
  }

  @Test
  void seedsDecide() throws OrtException {
    Sampling one = new Sampling(1, 0.95, 1);
    List<Integer> tokens = generate(model, PROMPT, 30, one).tokens();
    assertEquals(tokens, generate(model, PROMPT, 30, one).tokens());
    assertNotEquals(tokens, generate(model, PROMPT, 30, new Sampling(1, 0.95, 2)).tokens());
  }

  @Test
  void eachTokenIsToldAtOnce() throws OrtException {
    List<Integer> told = new ArrayList<>();
    Generation generation = new Generator(model).generate(PROMPT, 6, Sampling.GREEDY, told::add);
    assertEquals(generation.tokens(), told);
    assertEquals(Generation.Finish.LENGTH, generation.finish());
    assertTrue(generation.prefillMillis() > 0);
    assertTrue(generation.decodeMillisPerToken() > 0);
  }

  @Test
  void theContextIsTheLimit() throws OrtException {
    int context = model.config().contextLength();
    int[] prompt = new int[context - 2];
    Arrays.fill(prompt, 300);
    Generation generation = generate(model, prompt, 10, new Sampling(1, 1, 3));
    assertTrue(generation.tokens().size() <= 2);
    if (generation.tokens().size() == 2) {
      assertEquals(Generation.Finish.CONTEXT, generation.finish());
    }
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> generate(model, new int[context], 1, Sampling.GREEDY))
            .getMessage();
    assertTrue(message.contains(context + " tokens"), message);
  }

  @Test
  void refusesWhatCanNotBe() throws OrtException {
    int vocabulary = model.config().vocabularySize();
    for (int[] prompt : new int[][] {{}, {-1}, {vocabulary}}) {
      assertThrows(
          IllegalArgumentException.class, () -> generate(model, prompt, 5, Sampling.GREEDY));
    }
    assertThrows(IllegalArgumentException.class, () -> generate(model, PROMPT, 0, Sampling.GREEDY));
    try (DecoderState state = model.start(2)) {
      assertThrows(IllegalArgumentException.class, () -> state.append(1, 2, 3));
      assertThrows(IllegalArgumentException.class, () -> state.append(1, vocabulary));
      assertEquals(0, state.length());
      state.append(1, 2);
    }
    DecoderState closed = model.start(1);
    closed.close();
    closed.close();
    assertThrows(IllegalStateException.class, () -> closed.append(1));
  }

  @Test
  void aConfigurationThatDoesNotFitIsRefused(@TempDir Path folder) throws IOException {
    assertRefused(folder, "past_key_values.%d.key", "keys.%d", "past_key_values.0.key");
    assertRefused(folder, "present.%d.key", "keys.%d", "has no output keys.0");
    assertRefused(folder, "\"logits\"(?=\\s*,)", "\"scores\"", "has no output scores");
    assertRefused(folder, "(?<=\"vocab_size\": )", "9", "vocab_size");
  }

  private static void assertRefused(Path folder, String target, String replacement, String reason)
      throws IOException {
    ExampleModel.changed(folder, target, replacement);
    String message =
        assertThrows(
                IOException.class,
                () -> DecoderModel.open(ExampleModel.environment(), folder, STOCK))
            .getMessage();
    assertTrue(message.contains(reason), message);
  }
}
