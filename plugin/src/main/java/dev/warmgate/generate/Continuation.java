package dev.warmgate.generate;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** What a text has come to, and when it ends: everything about it but the model's state. */
final class Continuation {
  private final int[] prompt;
  private final boolean contextEnds;
  private final int limit;
  private final List<Integer> stops;
  private final Sampler sampler;

  private int written;
  private int last;
  private Optional<Generation.Finish> finish = Optional.empty();

  /**
   * Prepares to write on.
   *
   * @param prompt at least one id, fewer than the model's context length
   * @param maxTokens the most tokens to write, at least 1
   * @throws IllegalArgumentException if the prompt or the number makes no sense
   */
  Continuation(GenAiConfig config, int[] prompt, int maxTokens, Sampling sampling) {
    int context = config.contextLength();
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
    this.prompt = prompt.clone();
    limit = Math.min(maxTokens, context - prompt.length);
    contextEnds = limit < maxTokens;
    stops = config.stopIds();
    sampler = Sampler.of(sampling);
  }

  /** The most tokens that the text can have, prompt included. */
  int capacity() {
    return prompt.length + limit;
  }

  int[] prompt() {
    return prompt.clone();
  }

  /** The token that was written last. */
  int last() {
    return last;
  }

  /**
   * Chooses the next token.
   *
   * @return empty if the text ends without one
   */
  OptionalInt take(float[] logits) {
    int token = sampler.next(logits);
    if (stops.contains(token)) {
      finish = Optional.of(Generation.Finish.STOP);
      return OptionalInt.empty();
    }
    last = token;
    written++;
    if (written == limit) {
      finish = Optional.of(contextEnds ? Generation.Finish.CONTEXT : Generation.Finish.LENGTH);
    }
    return OptionalInt.of(token);
  }

  /** Why the text has ended; empty while it goes on. */
  Optional<Generation.Finish> finish() {
    return finish;
  }
}
