package dev.warmgate.residency.eviction;

/** Numbers the experts of all layers one after another, so that flat arrays can hold them. */
final class ExpertIndex {
  private final int[] first;

  /**
   * @param experts how many each layer has, in the order of their execution
   * @throws IllegalArgumentException if there is no layer, or one without experts
   */
  ExpertIndex(int[] experts) {
    if (experts.length == 0) {
      throw new IllegalArgumentException("no layers");
    }
    first = new int[experts.length + 1];
    for (int layer = 0; layer < experts.length; layer++) {
      if (experts[layer] < 1) {
        throw new IllegalArgumentException("layer %d has no experts".formatted(layer));
      }
      first[layer + 1] = Math.addExact(first[layer], experts[layer]);
    }
  }

  int layers() {
    return first.length - 1;
  }

  /** How many experts a layer has. */
  int experts(int layer) {
    return first[layer + 1] - first[layer];
  }

  /** How many experts all layers have. */
  int total() {
    return first[first.length - 1];
  }

  /** The number of a layer's first expert. */
  int first(int layer) {
    return first[layer];
  }

  int of(int layer, int expert) {
    return first[layer] + expert;
  }
}
