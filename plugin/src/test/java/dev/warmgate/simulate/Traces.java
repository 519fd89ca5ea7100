package dev.warmgate.simulate;

import java.util.Arrays;
import java.util.Random;

/** Synthetic traces. */
final class Traces {
  private Traces() {}

  /**
   * Layers whose experts are the more unequal the higher the layer; a topic shifts now and then.
   */
  static Trace skewed(int layers, int experts, int topK, int tokens, long seed) {
    Random random = new Random(seed);
    TraceRecorder recorder =
        new TraceRecorder(new Trace.Header("skewed", layers, experts, topK), false);
    int shift = 0;
    for (int token = 0; token < tokens; token++) {
      if (token % 100 == 0) {
        shift = random.nextInt(experts);
      }
      for (int layer = 0; layer < layers; layer++) {
        double[] keys = new double[experts];
        for (int expert = 0; expert < experts; expert++) {
          double weight = Math.pow(1 + (expert + shift) % experts, -2.0 * layer / layers);
          keys[expert] = -Math.log(random.nextDouble()) / weight;
        }
        Integer[] order = new Integer[experts];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> Double.compare(keys[a], keys[b]));
        int[] selected = new int[topK];
        Arrays.setAll(selected, i -> order[i]);
        recorder.select(layer, selected, null);
      }
      if (token % 250 == 249 || token == tokens - 1) {
        recorder.endSequence("text " + token);
      }
    }
    return recorder.trace();
  }
}
