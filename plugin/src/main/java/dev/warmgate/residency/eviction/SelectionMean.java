package dev.warmgate.residency.eviction;

/**
 * A linear function of a selection of experts: for each expert of a layer, the mean of one weight
 * for each selected expert. A mean, so that a batch that selects many weighs no more than a token
 * that selects few.
 */
final class SelectionMean {
  private final int outputs;
  private final float[] weights;

  /**
   * All weights zero.
   *
   * @param inputs how many experts may be selected
   * @param outputs for how many experts there is a mean
   */
  SelectionMean(int inputs, int outputs) {
    this.outputs = outputs;
    weights = new float[Math.multiplyExact(inputs, outputs)];
  }

  /** Adds the means to {@code sums}. */
  void addTo(float[] sums, Selected selected) {
    float share = 1f / selected.count();
    for (int i = 0; i < selected.count(); i++) {
      int row = selected.expert(i) * outputs;
      for (int output = 0; output < outputs; output++) {
        sums[output] += share * weights[row + output];
      }
    }
  }

  /** Moves the means by {@code rate · errors}. */
  void move(Selected selected, float[] errors, float rate) {
    for (int i = 0; i < selected.count(); i++) {
      int row = selected.expert(i) * outputs;
      for (int output = 0; output < outputs; output++) {
        weights[row + output] += rate * errors[output];
      }
    }
  }
}
