package dev.warmgate.residency;

import java.util.List;

/**
 * Which experts were worth keeping, layer by layer: what a cache is filled with before anybody asks
 * for it.
 *
 * @param layers of the model
 */
public record HotSet(List<Layer> layers) {

  /**
   * One layer's part.
   *
   * @param name of the layer's node
   * @param experts how many the layer has
   * @param hot ids, the one most worth keeping first
   */
  public record Layer(String name, int experts, List<Integer> hot) {

    /**
     * @throws IllegalArgumentException if an id is none of the layer's, or comes twice
     */
    public Layer {
      hot = List.copyOf(hot);
      boolean[] seen = new boolean[experts];
      for (int expert : hot) {
        if (expert < 0 || expert >= experts || seen[expert]) {
          throw new IllegalArgumentException(
              "%s: expert %d of %d is unknown or named twice".formatted(name, expert, experts));
        }
        seen[expert] = true;
      }
    }
  }

  public HotSet {
    layers = List.copyOf(layers);
  }
}
