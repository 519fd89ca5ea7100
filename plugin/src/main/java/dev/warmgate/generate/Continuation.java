package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A text that is being written, token by token: the prompt goes through the model with the first
 * step, each token with the next. For one thread at a time; many may be written side by side with
 * one model.
 */
public final class Continuation implements AutoCloseable {
  private final int[] prompt;
  private final boolean contextEnds;
  private final int limit;
  private final List<Integer> stops;
  private final Sampler sampler;
  private final DecoderState state;

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
  public Continuation(DecoderModel model, int[] prompt, int maxTokens, Sampling sampling)
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
    this.prompt = prompt.clone();
    limit = Math.min(maxTokens, context - prompt.length);
    contextEnds = limit < maxTokens;
    stops = model.config().stopIds();
    sampler = Sampler.of(sampling);
    state = model.start(prompt.length + limit);
  }

  /**
   * Writes the next token.
   *
   * @return empty if the text ends without one
   * @throws OrtException if the model can't be run
   */
  public OptionalInt next() throws OrtException {
    if (finish.isPresent()) {
      return OptionalInt.empty();
    }
    float[] logits = written == 0 ? state.append(prompt) : state.append(last);
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
  public Optional<Generation.Finish> finish() {
    return finish;
  }

  /** How many tokens were written. */
  public int written() {
    return written;
  }

  /** Lets go of the key-value cache. */
  @Override
  public void close() {
    state.close();
  }
}
