package dev.warmgate.simulate;

import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.Sharing;
import dev.warmgate.residency.eviction.VictimChooser;
import java.util.Arrays;

/**
 * A cache without experts: which are resident, and what that makes of a layer's call. Empty slots
 * are filled first.
 *
 * <p>What was read ahead and is not used yet makes room last, until its layer has run; at most one
 * slot in {@link #GUESSED} is spared so. A guess takes a slot only from an expert of less worth.
 */
final class SimulatedCache {
  private static final int GUESSED = 8;

  private final EvictionPolicy policy;
  private final VictimChooser chooser;
  private final int experts;
  private final int[] slotOf;
  private final int[] expertIn;
  private final int[] layerIn;
  private final int[] ofLayer;
  private final boolean[] leased;

  /** Per slot: whether it holds what was read ahead and was never used. */
  private final boolean[] guess;

  /** Per slot: whether it holds a guess whose layer has not run since. */
  private final boolean[] fresh;

  private int freshCount;
  private int occupied;
  private long loads;
  private long used;
  private long wasted;

  SimulatedCache(
      EvictionPolicy policy, Sharing sharing, int layers, int expertsOfLayer, int slots) {
    this.policy = policy;
    experts = expertsOfLayer;
    slotOf = new int[layers * experts];
    Arrays.fill(slotOf, -1);
    expertIn = new int[slots];
    layerIn = new int[slots];
    ofLayer = new int[layers];
    leased = new boolean[slots];
    guess = new boolean[slots];
    fresh = new boolean[slots];
    int[] sizes = new int[layers];
    Arrays.fill(sizes, experts);
    chooser =
        new VictimChooser(
            policy,
            sharing,
            sizes,
            new VictimChooser.Slots(
                expertIn, layerIn, ofLayer, slot -> !leased[slot], slot -> fresh[slot]));
  }

  /**
   * A layer's call: what is not resident is read.
   *
   * @return how many experts were resident
   */
  int call(int layer, int[] selected) {
    int hits = 0;
    for (int expert : selected) {
      int slot = slotOf[layer * experts + expert];
      if (slot >= 0) {
        hits++;
        lease(slot);
      }
    }
    policy.used(layer, selected, selected.length);
    if (hits < selected.length) {
      for (int expert : selected) {
        if (slotOf[layer * experts + expert] < 0) {
          int slot = occupied < expertIn.length ? occupied : chooser.forNeed(layer);
          // None if the call wants more than there are slots: one is read after the other then.
          if (slot >= 0) {
            load(slot, layer, expert);
            leased[slot] = true;
          }
          loads++;
        }
      }
    }
    end(layer, selected);
    return hits;
  }

  private void lease(int slot) {
    leased[slot] = true;
    if (guess[slot]) {
      used++;
      guess[slot] = false;
    }
  }

  private void end(int layer, int[] selected) {
    for (int expert : selected) {
      int slot = slotOf[layer * experts + expert];
      if (slot >= 0) {
        leased[slot] = false;
      }
    }
    if (freshCount > 0) {
      for (int slot = 0; slot < occupied; slot++) {
        if (fresh[slot] && layerIn[slot] == layer) {
          fresh[slot] = false;
          freshCount--;
        }
      }
    }
  }

  boolean resident(int layer, int expert) {
    return slotOf[layer * experts + expert] >= 0;
  }

  /**
   * Reads an expert ahead, if there is room for it.
   *
   * @return whether it was read
   */
  boolean guess(int layer, int expert, float worth) {
    if (freshCount >= Math.max(1, expertIn.length / GUESSED)) {
      return false;
    }
    int slot = occupied < expertIn.length ? occupied : chooser.forGuess(layer, worth);
    if (slot < 0 || fresh[slot]) {
      return false;
    }
    load(slot, layer, expert);
    loads++;
    guess[slot] = true;
    fresh[slot] = true;
    freshCount++;
    return true;
  }

  private void load(int slot, int layer, int expert) {
    if (slot == occupied) {
      occupied++;
    } else {
      slotOf[expertIn[slot]] = -1;
      ofLayer[layerIn[slot]]--;
      wasted += guess[slot] ? 1 : 0;
      freshCount -= fresh[slot] ? 1 : 0;
      guess[slot] = false;
      fresh[slot] = false;
    }
    expertIn[slot] = layer * experts + expert;
    layerIn[slot] = layer;
    slotOf[expertIn[slot]] = slot;
    ofLayer[layer]++;
  }

  /** Experts read, for need or ahead. */
  long loads() {
    return loads;
  }

  /** Experts that were read ahead and used. */
  long used() {
    return used;
  }

  /** Experts that were read ahead and made room without having been used. */
  long wasted() {
    return wasted;
  }
}
