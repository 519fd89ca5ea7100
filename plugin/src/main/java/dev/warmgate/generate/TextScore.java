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

  /** Steps a second. */
  public double tokensPerSecond() {
    return steps * 1e9 / nanos;
  }
}
