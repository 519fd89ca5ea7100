package dev.warmgate.residency.eviction;

import java.util.function.IntPredicate;

/**
 * Chooses the slot that is emptied for an absent expert: that of the expert of least worth, among
 * those that the sharing of slots allows.
 *
 * <p>Of experts of equal worth, that goes whose layer is the last to come: with {@code d = (layer
 * of the expert − layer that runs) mod layers}, and 0 taken as all layers, the one of greatest
 * {@code d}; then the one in the lower slot.
 *
 * <p>Looks at the caller's arrays, which nobody changes during a call. Allocates nothing.
 */
public final class VictimChooser {
  private final EvictionPolicy policy;
  private final Sharing sharing;
  private final ExpertIndex index;
  private final Slots slots;
  private final int entitled;

  /**
   * The slots to choose among.
   *
   * @param expertIn per slot: its expert, numbered over all layers one after another
   * @param layerIn per slot: its expert's layer
   * @param ofLayer how many slots hold experts of each layer
   * @param candidate whether a slot may be emptied now
   * @param spared whether a candidate is taken only if nothing else can be: it was read ahead and
   *     is not used yet. Whoever reads ahead bounds how many these are.
   */
  @SuppressWarnings("ArrayRecordComponent") // The cache's own, bound once and read at each choice.
  public record Slots(
      int[] expertIn, int[] layerIn, int[] ofLayer, IntPredicate candidate, IntPredicate spared) {}

  /**
   * A chooser for a cache.
   *
   * @param policy says what experts are worth
   * @param experts how many each layer has
   */
  public VictimChooser(EvictionPolicy policy, Sharing sharing, int[] experts, Slots slots) {
    this.policy = policy;
    this.sharing = sharing;
    this.slots = slots;
    index = new ExpertIndex(experts);
    entitled = Math.max(1, slots.expertIn.length / experts.length);
  }

  /**
   * The slot to empty for an expert that is needed now.
   *
   * @param layer of the expert, which runs
   * @return a slot, or −1 if there is no candidate
   */
  public int forNeed(int layer) {
    if (sharing == Sharing.EQUAL) {
      int slot = forGuess(layer, Float.POSITIVE_INFINITY);
      if (slot >= 0) {
        return slot;
      }
    }
    return least(layer, Scope.ALL, Float.POSITIVE_INFINITY);
  }

  /**
   * The slot to empty for an expert that may be needed: of an expert that is worth less.
   *
   * @param layer of the expert
   * @param worth what the expert would be worth
   * @return a slot, or −1 if there is no candidate worth less
   */
  public int forGuess(int layer, float worth) {
    return switch (sharing) {
      case POOL -> least(layer, Scope.ALL, worth);
      case EQUAL ->
          least(layer, slots.ofLayer[layer] >= entitled ? Scope.OWN : Scope.RICHER, worth);
    };
  }

  private enum Scope {
    OWN,
    RICHER,
    ALL
  }

  private boolean allows(Scope scope, int layer, int other) {
    return switch (scope) {
      case OWN -> other == layer;
      case RICHER -> slots.ofLayer[other] > entitled;
      case ALL -> true;
    };
  }

  private int least(int layer, Scope scope, float below) {
    int chosen = -1;
    float least = below;
    int furthest = -1;
    boolean chosenSpared = true;
    for (int slot = 0; slot < slots.layerIn.length; slot++) {
      int other = slots.layerIn[slot];
      if (!allows(scope, layer, other) || !slots.candidate.test(slot)) {
        continue;
      }
      float worth = policy.worth(other, slots.expertIn[slot] - index.first(other));
      if (!(worth < below)) {
        continue;
      }
      boolean spared = slots.spared.test(slot);
      int distance = other == layer ? index.layers() : Math.floorMod(other - layer, index.layers());
      boolean better =
          spared == chosenSpared
              ? worth < least || (worth == least && distance > furthest)
              : chosenSpared;
      if (better) {
        chosen = slot;
        least = worth;
        furthest = distance;
        chosenSpared = spared;
      }
    }
    return chosen;
  }
}
