package dev.warmgate.generate;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 takes the likeliest token always; above 0, logits are divided by it
 * @param topP choose among the likeliest tokens that together have this probability; 1 for all
 * @param seed equal seeds choose equally
 */
public record Sampling(double temperature, double topP, long seed) {

  /** The likeliest token always. */
  public static final Sampling GREEDY = new Sampling(0, 1, 0);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if one makes no sense
   */
  public Sampling {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException("temperature must be 0 or more, not " + temperature);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("top-p must be above 0 and at most 1, not " + topP);
    }
  }
}
