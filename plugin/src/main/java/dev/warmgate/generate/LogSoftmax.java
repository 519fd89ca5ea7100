package dev.warmgate.generate;

/**
 * Probabilities from logits, as their logarithms and in double precision: a vocabulary of 200,000
 * neither overflows nor loses its tail. NaN counts as minus infinity, as it does for a sampler.
 */
public final class LogSoftmax {
  private LogSoftmax() {}

  /**
   * The logarithm of the probability of one id.
   *
   * @param logits one for each id of the vocabulary
   * @throws IllegalArgumentException if no logit is above minus infinity
   */
  public static double of(float[] logits, int id) {
    return Total.of(logits).log(logits[id]);
  }

  /**
   * The Kullback-Leibler divergence of {@code q} from {@code p}, in nats: what it costs a token to
   * believe {@code q} where {@code p} is true. 0 for equal logits, infinite where {@code q} rules
   * out what {@code p} doesn't.
   *
   * @param p logits of the one distribution
   * @param q as many logits of the other
   * @throws IllegalArgumentException if no logit of either is above minus infinity
   */
  public static double divergence(float[] p, float[] q) {
    Total totalP = Total.of(p);
    Total totalQ = Total.of(q);
    double sum = 0;
    for (int id = 0; id < p.length; id++) {
      double logP = totalP.log(p[id]);
      double probability = Math.exp(logP);
      if (probability > 0) { // 0 times infinity is no number
        sum += probability * (logP - totalQ.log(q[id]));
      }
    }
    return Math.max(sum, 0); // rounding may leave less than nothing
  }

  /**
   * What exponentials are divided by. The two parts stay apart, since a large logit would swallow
   * the small sum.
   *
   * @param highest logit
   * @param logSum the logarithm of the sum of the exponentials of all logits less the highest
   */
  private record Total(double highest, double logSum) {

    static Total of(float[] logits) {
      double highest = logits[GreedySampler.best(logits)];
      double sum = 0;
      for (float logit : logits) {
        if (!Float.isNaN(logit)) {
          sum += Math.exp(below(logit, highest));
        }
      }
      return new Total(highest, Math.log(sum));
    }

    double log(float logit) {
      return Float.isNaN(logit) ? Double.NEGATIVE_INFINITY : below(logit, highest) - logSum;
    }

    /** Also where both are infinite: half precision overflows. */
    private static double below(float logit, double highest) {
      return logit == highest ? 0 : logit - highest;
    }
  }
}
