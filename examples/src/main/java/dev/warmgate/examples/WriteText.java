package dev.warmgate.examples;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.Generation;
import dev.warmgate.generate.Generator;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.TextBatch;
import dev.warmgate.generate.TextStream;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.host.ort.WarmgateProvider;
import dev.warmgate.metrics.ResidencyStats;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A program that writes text with a model whose experts don't fit in memory.
 *
 * <pre>WriteText MODEL_DIR EXPERT_MEMORY PROMPT...</pre>
 */
public final class WriteText {
  private static final int TOKENS = 48;

  private WriteText() {}

  /** Streams a text from the first prompt, then writes on from all of them at once. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    List<String> prompts = List.of(arguments).subList(2, arguments.length);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    WarmgateProvider warmgate = WarmgateProvider.register(environment);
    Map<String, String> options = Map.of("expert_memory", arguments[1], "warm_start", "off");
    try (Tokenizer tokenizer = TokenizerProvider.find(folder);
        DecoderModel model =
            DecoderModel.open(environment, folder, session -> warmgate.addTo(session, options))) {
      stream(model, tokenizer, prompts.getFirst(), System.out);
      sideBySide(model, tokenizer, prompts).values().forEach(System.out::println);
      ResidencyStats stats = warmgate.statistics();
      System.out.printf(
          "%.0f %% of the experts were in memory, %d bytes were read%n",
          100 * stats.hitRate(), stats.bytesRead());
    }
  }

  /** Draws each token, and prints it as soon as it is there. */
  private static void stream(
      DecoderModel model, Tokenizer tokenizer, String prompt, PrintStream out) throws OrtException {
    Sampling sampling = new Sampling(0.8, 0.95, 1); // temperature, top-p, seed
    int[] ids = tokenizer.encode(prompt);
    TextStream text = tokenizer.stream(ids);
    out.print(prompt);
    Generation generation =
        new Generator(model)
            .generate(
                ids,
                TOKENS,
                sampling,
                id -> {
                  out.print(text.push(id));
                  out.flush();
                });
    // STOP: the model wrote one of the tokens that genai_config.json says end a text.
    out.printf("%s (%s)%n", text.finish(), generation.finish());
  }

  /** Takes the likeliest token always. One run of the model gives every text its next token. */
  private static Map<String, String> sideBySide(
      DecoderModel model, Tokenizer tokenizer, List<String> prompts) {
    Map<String, TextBatch.Text> texts = new LinkedHashMap<>();
    Map<String, List<Integer>> ids = new LinkedHashMap<>();
    try (TextBatch batch = TextBatch.of(model)) {
      for (String prompt : prompts) {
        texts.put(prompt, batch.add(tokenizer.encode(prompt), TOKENS, Sampling.GREEDY));
        ids.put(prompt, new ArrayList<>());
      }
      while (!batch.isEmpty()) {
        batch.step();
        texts.forEach((prompt, text) -> text.token().ifPresent(ids.get(prompt)::add));
        texts.values().removeIf(text -> text.finish().isPresent() || text.failure().isPresent());
      }
    }
    Map<String, String> written = new LinkedHashMap<>();
    ids.forEach(
        (prompt, tokens) ->
            written.put(
                prompt,
                prompt
                    + tokenizer.continuation(
                        tokenizer.encode(prompt),
                        tokens.stream().mapToInt(Integer::intValue).toArray())));
    return written;
  }
}
