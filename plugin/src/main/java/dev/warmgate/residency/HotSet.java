package dev.warmgate.residency;

import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

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
      Objects.requireNonNull(name, "a layer without a name");
      hot = List.copyOf(hot);
      // Not an array of so many: the number may come from a file.
      Set<Integer> seen = new HashSet<>();
      for (int expert : hot) {
        if (expert < 0 || expert >= experts || !seen.add(expert)) {
          throw new IllegalArgumentException(
              "%s: expert %d of %d is unknown or named twice".formatted(name, expert, experts));
        }
      }
    }
  }

  public HotSet {
    layers = List.copyOf(layers);
  }
}
