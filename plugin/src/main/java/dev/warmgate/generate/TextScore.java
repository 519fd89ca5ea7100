package dev.warmgate.generate;

/**
 * How well a model foresaw a text.
 *
 * @param tokens that were scored
 * @param surprise the negative logarithms of their probabilities, summed, in nats
 * @param steps tokens that went through the model
 * @param nanos what the steps took
 */
public record TextScore(int tokens, double surprise, int steps, long nanos) {

  /** Between how many equally likely tokens the model wavered, so to speak. */
  public double perplexity() {
    return Math.exp(surprise / tokens);
  }

  /**
   * How many bits a byte of the text would take, coded by the model's probabilities: the same
   * whatever the tokenizer.
   *
   * @param bytes of the text that was scored
   */
  public double bitsPerByte(int bytes) {
    return surprise / Math.log(2) / bytes;
  }

  /** Steps a second. */
  public double tokensPerSecond() {
    return steps * 1e9 / nanos;
  }
}
