package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import java.util.ArrayList;
import java.util.List;
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
    int context = model.config().contextLength();
    if (prompt.length == 0) {
      throw new IllegalArgumentException("the prompt is empty");
    }
    if (prompt.length >= context) {
      throw new IllegalArgumentException(
          "the prompt has %d tokens, which leaves no room in the model's context of %d"
              .formatted(prompt.length, context));
    }
    if (maxTokens < 1) {
      throw new IllegalArgumentException("max tokens must be at least 1, not " + maxTokens);
    }
    int limit = Math.min(maxTokens, context - prompt.length);
    List<Integer> stops = model.config().stopIds();
    Sampler sampler = Sampler.of(sampling);
    List<Integer> tokens = new ArrayList<>();
    long start = System.nanoTime();
    try (DecoderState state = model.start(prompt.length + limit)) {
      float[] logits = state.append(prompt);
      long first = 0;
      while (true) {
        int token = sampler.next(logits);
        long now = System.nanoTime();
        first = tokens.isEmpty() ? now : first;
        double prefill = (first - start) / 1e6;
        if (stops.contains(token)) {
          return finish(tokens, Generation.Finish.STOP, prefill, now - first, tokens.size());
        }
        tokens.add(token);
        onToken.accept(token);
        if (tokens.size() == limit) {
          return finish(
              tokens,
              limit == maxTokens ? Generation.Finish.LENGTH : Generation.Finish.CONTEXT,
              prefill,
              now - first,
              limit - 1);
        }
        logits = state.append(token);
      }
    }
  }

  private static Generation finish(
      List<Integer> tokens, Generation.Finish finish, double prefill, long nanos, int steps) {
    return new Generation(tokens, finish, prefill, steps == 0 ? 0 : nanos / 1e6 / steps);
  }
}
