package dev.warmgate.benchmarks.dispatch;

import java.util.Arrays;

/** The softmax of a workload's gate, by which the survivors are weighed. */
final class Gate {
  private final int targets;
  private final float[] logits;
  private final double[] logSum;
  private final double bestMass;

  Gate(Workload workload) {
    targets = workload.setting().size();
    logits = workload.logits();
    logSum = new double[targets];
    int k = workload.setting().fanOut();
    float[] best = new float[k];
    double mass = 0;
    for (int row = 0; row < targets; row++) {
      double sum = 0;
      for (int target = 0; target < targets; target++) {
        sum += Math.exp(logits[row * targets + target]);
      }
      logSum[row] = Math.log(sum);
      findBest(row, best);
      for (float logit : best) {
        mass += Math.exp(logit - logSum[row]);
      }
    }
    bestMass = mass;
  }

  /** A target's share of a row's softmax. */
  double share(int row, int target) {
    return Math.exp(logits[row * targets + target] - logSum[row]);
  }

  /** The mass of every row's k best together. */
  double bestMass() {
    return bestMass;
  }

  private void findBest(int row, float[] best) {
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    for (int target = 0; target < targets; target++) {
      float logit = logits[row * targets + target];
      int i = best.length - 1;
      if (logit <= best[i]) {
        continue;
      }
      for (; i > 0 && best[i - 1] < logit; i--) {
        best[i] = best[i - 1];
      }
      best[i] = logit;
    }
  }
}
