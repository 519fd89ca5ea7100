package dev.warmgate.generate;

import java.util.List;

/**
 * What the model wrote.
 *
 * @param tokens the new ids, without the prompt and without the stop token
 * @param finish why it ended
 * @param prefillMillis from the start to the first token
 * @param decodeMillisPerToken the mean over the tokens after the first; 0 if there was none
 */
public record Generation(
    List<Integer> tokens, Finish finish, double prefillMillis, double decodeMillisPerToken) {

  /** Why a text ended. */
  public enum Finish {
    /** The model wrote a stop token. */
    STOP,
    /** As many tokens as were asked for. */
    LENGTH,
    /** The model's context is full. */
    CONTEXT
  }

  /** Keeps the list as it is now. */
  public Generation {
    tokens = List.copyOf(tokens);
  }

  /** The ids as an array. */
  public int[] ids() {
    return tokens.stream().mapToInt(Integer::intValue).toArray();
  }
}
