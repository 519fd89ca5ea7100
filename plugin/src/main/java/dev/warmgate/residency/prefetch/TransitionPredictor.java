package dev.warmgate.residency.prefetch;

import java.util.Arrays;

/**
 * Foresees a layer's experts from those that the layer before has run for the same tokens: the mean
 * of {@code P(j runs in layer l + 1 | i ran in layer l)} over the {@code i} that ran.
 *
 * <p>Each conditional probability is a mean over the calls in which {@code i} ran, plain for the
 * first ones and moving afterwards, so that it follows the text. The layer after the last is the
 * first one, of the next token.
 *
 * <p>A caller hands over both selections, so sequences that interleave don't mix. Threads that
 * observe at once may undo each other's observation, never more than that: a value is one float.
 *
 * <p>Memory: a float for each pair of experts in neighbouring layers; 4 KiB a layer of 32, 256 KiB
 * of 256.
 */
public final class TransitionPredictor {
  /** Observations that a moving mean is over. */
  private static final int WINDOW = 256;

  private final int[] experts;
  private final float[][] probabilities;
  private final int[][] observations;

  /**
   * A predictor that has seen nothing: all probabilities are 0.
   *
   * @param experts how many each layer has, in the order of their execution
   */
  public TransitionPredictor(int[] experts) {
    this.experts = experts.clone();
    probabilities = new float[experts.length][];
    observations = new int[experts.length][];
    for (int layer = 0; layer < experts.length; layer++) {
      probabilities[layer] = new float[Math.multiplyExact(experts[layer], experts[next(layer)])];
      observations[layer] = new int[experts[layer]];
    }
  }

  /** The layer that runs after a layer. */
  public int next(int layer) {
    return layer + 1 == experts.length ? 0 : layer + 1;
  }

  /**
   * Notes what two neighbouring layers ran for the same tokens.
   *
   * @param layer the earlier one
   * @param ran distinct experts of it
   * @param ranCount how many of them are meant
   * @param followed distinct experts of the layer after it
   * @param followedCount how many of them are meant
   */
  public void observe(int layer, int[] ran, int ranCount, int[] followed, int followedCount) {
    float[] row = probabilities[layer];
    int width = experts[next(layer)];
    for (int r = 0; r < ranCount; r++) {
      int seen = Math.min(observations[layer][ran[r]] + 1, WINDOW);
      observations[layer][ran[r]] = seen;
      float rate = 1f / seen;
      int first = ran[r] * width;
      for (int j = 0; j < width; j++) {
        row[first + j] -= rate * row[first + j];
      }
      for (int f = 0; f < followedCount; f++) {
        row[first + followed[f]] += rate;
      }
    }
  }

  /**
   * How likely each expert of the layer after a layer is to run.
   *
   * @param layer that has run
   * @param ran distinct experts of it
   * @param ranCount how many of them are meant
   * @param out receives a probability for each expert of the layer after it; at least as long
   */
  public void predict(int layer, int[] ran, int ranCount, float[] out) {
    int width = experts[next(layer)];
    Arrays.fill(out, 0, width, 0);
    float share = 1f / ranCount;
    for (int r = 0; r < ranCount; r++) {
      int first = ran[r] * width;
      for (int j = 0; j < width; j++) {
        out[j] += share * probabilities[layer][first + j];
      }
    }
  }
}
