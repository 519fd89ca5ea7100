package dev.warmgate.residency;

/**
 * Guesses that wait for a moment when the readers have nothing else to do: the likeliest of each
 * layer first, layers in the order in which they were guessed. Those whose layer is executed
 * meanwhile come to nothing.
 *
 * <p>Guarded by the cache's lock. Allocates nothing after construction.
 */
final class Postponed {
  /** More could hardly be read before their layers run. */
  private static final int CAPACITY = 128;

  private final int[] layers = new int[CAPACITY];
  private final int[] experts = new int[CAPACITY];
  private final float[] probabilities = new float[CAPACITY];
  private final int[] executions = new int[CAPACITY];
  private int size;

  /**
   * Adds a guess; one too many is dropped.
   *
   * @param execution how often the layer has been executed
   */
  void add(int layer, int expert, float probability, int execution) {
    if (size < CAPACITY) {
      layers[size] = layer;
      experts[size] = expert;
      probabilities[size] = probability;
      executions[size] = execution;
      size++;
    }
  }

  boolean isEmpty() {
    return size == 0;
  }

  int layer() {
    return layers[0];
  }

  int expert() {
    return experts[0];
  }

  float probability() {
    return probabilities[0];
  }

  /** How often the first guess's layer had been executed when it was guessed. */
  int execution() {
    return executions[0];
  }

  void removeFirst() {
    size--;
    System.arraycopy(layers, 1, layers, 0, size);
    System.arraycopy(experts, 1, experts, 0, size);
    System.arraycopy(probabilities, 1, probabilities, 0, size);
    System.arraycopy(executions, 1, executions, 0, size);
  }
}
