package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntConsumer;

/** Writes on from prompts with one model, one sequence a call. */
public final class Generator {
  private final DecoderModel model;

  /** Uses a model, which the caller closes. */
  public Generator(DecoderModel model) {
    this.model = model;
  }

  /**
   * Writes on from a prompt: the prompt in one call, then one token a step.
   *
   * @param prompt at least one id, fewer than the model's context length
   * @param maxTokens the most tokens to write, at least 1
   * @param onToken is told each new id at once, on the calling thread
   * @throws IllegalArgumentException if the prompt or the number makes no sense
   * @throws OrtException if the model can't be run
   */
  public Generation generate(int[] prompt, int maxTokens, Sampling sampling, IntConsumer onToken)
      throws OrtException {
    List<Integer> tokens = new ArrayList<>();
    long start = System.nanoTime();
    var text = new Continuation(model.config(), prompt, maxTokens, sampling);
    try (DecoderState state = model.start(text.capacity())) {
      long first = 0;
      long now;
      do {
        float[] logits = first == 0 ? state.append(text.prompt()) : state.append(text.last());
        OptionalInt token = text.take(logits);
        now = System.nanoTime();
        first = first == 0 ? now : first;
        if (token.isPresent()) {
          tokens.add(token.getAsInt());
          onToken.accept(token.getAsInt());
        }
      } while (text.finish().isEmpty());
      Generation.Finish finish = text.finish().get();
      // The step that ends a text by a stop token counts, though it has none.
      int steps = finish == Generation.Finish.STOP ? tokens.size() : tokens.size() - 1;
      double prefill = (first - start) / 1e6;
      double decode = steps == 0 ? 0 : (now - first) / 1e6 / steps;
      return new Generation(tokens, finish, prefill, decode);
    }
  }
}
