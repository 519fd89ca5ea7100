package dev.warmgate.generate;

/** Chooses the next token from its logits. */
public sealed interface Sampler permits GreedySampler, NucleusSampler {

  /**
   * The id of the next token.
   *
   * @param logits one for each id of the vocabulary; NaN counts as minus infinity
   * @throws IllegalArgumentException if no logit is above minus infinity
   */
  int next(float[] logits);

  /** A sampler that starts from the seed. */
  static Sampler of(Sampling sampling) {
    return sampling.temperature() == 0 ? new GreedySampler() : new NucleusSampler(sampling);
  }
}
