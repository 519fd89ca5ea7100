package dev.warmgate.metrics;

/**
 * What a policy did to the gate's choices.
 *
 * @param tokens routed, once a layer
 * @param chosen experts that were chosen
 * @param misses of them, not resident when they were chosen
 * @param displaced experts that the gate chose and the policy left out
 * @param keptSum the kept gate mass, summed over the tokens
 * @param lambda the strength of the bias now; the mean over layers
 */
public record RoutingStats(
    long tokens, long chosen, long misses, long displaced, double keptSum, float lambda) {

  /** The share of the gate's own choices that were kept, 1 if there was none. */
  public double agreement() {
    return chosen == 0 ? 1 : 1 - (double) displaced / chosen;
  }

  /** The gate mass of the chosen experts over that of the gate's own choice, 1 without tokens. */
  public double massKept() {
    return tokens == 0 ? 1 : keptSum / tokens;
  }

  /** The share of chosen experts that were resident, 1 if none was chosen. */
  public double hitRate() {
    return chosen == 0 ? 1 : 1 - (double) misses / chosen;
  }

  /** The sums of two layers; lambda becomes the mean weighted by their tokens. */
  public RoutingStats plus(RoutingStats other) {
    long all = tokens + other.tokens;
    return new RoutingStats(
        all,
        chosen + other.chosen,
        misses + other.misses,
        displaced + other.displaced,
        keptSum + other.keptSum,
        all == 0 ? lambda : (lambda * tokens + other.lambda * other.tokens) / all);
  }

  /** What was counted since an earlier snapshot. */
  public RoutingStats since(RoutingStats earlier) {
    return new RoutingStats(
        tokens - earlier.tokens,
        chosen - earlier.chosen,
        misses - earlier.misses,
        displaced - earlier.displaced,
        keptSum - earlier.keptSum,
        lambda);
  }
}
