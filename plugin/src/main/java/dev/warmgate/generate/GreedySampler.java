package dev.warmgate.generate;

/** The highest logit, ties to the lower id. */
final class GreedySampler implements Sampler {
  @Override
  public int next(float[] logits) {
    return best(logits);
  }

  static int best(float[] logits) {
    int best = -1;
    float highest = Float.NEGATIVE_INFINITY;
    for (int id = 0; id < logits.length; id++) {
      if (logits[id] > highest) { // false for NaN, and for a tie with a lower id
        highest = logits[id];
        best = id;
      }
    }
    if (best < 0) {
      throw new IllegalArgumentException("the model's logits hold no finite number");
    }
    return best;
  }
}
