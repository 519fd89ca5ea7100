package dev.warmgate.residency;

import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.VictimChooser;
import java.util.ArrayDeque;

/**
 * What is read although nobody waits for it: hints, guesses, and what fills unused slots.
 *
 * <p>None of it may delay a read that somebody waits for: hints are dropped at a busy moment, the
 * others wait for one that isn't. Guarded by the cache's lock, which callers hold.
 */
final class ReadAhead {
  private record Wanted(int layer, int expert) {}

  private final LoadingSlots loading;
  private final Slots slots;
  private final Guesses guesses;
  private final VictimChooser victims;
  private final EvictionPolicy eviction;
  private final Postponed postponed = new Postponed();
  private final ArrayDeque<Wanted> toFill = new ArrayDeque<>();

  ReadAhead(
      LoadingSlots loading,
      Slots slots,
      Guesses guesses,
      VictimChooser victims,
      EvictionPolicy eviction) {
    this.loading = loading;
    this.slots = slots;
    this.guesses = guesses;
    this.victims = victims;
    this.eviction = eviction;
  }

  /** Reads an expert if a reader is idle and there is a slot for it: see {@link ExpertCache}. */
  void hint(int layer, int expert, Warmth warmth) {
    if (slots.find(layer, expert) >= 0 || !loading.readersIdle()) {
      return;
    }
    int slot = slots.takeUnused();
    if (slot < 0) {
      slot = takeColder(layer, warmth, warmth.of(expert) - warmth.advantage());
    }
    if (slot >= 0) {
      loading.readAhead(slot, layer, expert);
    }
  }

  private int takeColder(int layer, Warmth warmth, float value) {
    int coldest = -1;
    float least = value;
    for (int slot = 0; slot < slots.count(); slot++) {
      if (slots.layerIn(slot) == layer && slots.evictable(slot)) {
        float other = warmth.of(slots.expertIn(slot));
        if (other < least) {
          least = other;
          coldest = slot;
        }
      }
    }
    return coldest >= 0 && loading.evict(coldest) ? coldest : -1;
  }

  /** Has a guess read when readers have nothing else to do and its layer hasn't run meanwhile. */
  void guess(int layer, int expert, float probability) {
    postponed.add(layer, expert, probability, guesses.executions(layer));
  }

  /** Has an expert read into an unused slot when readers have nothing else to do. */
  void fill(int layer, int expert) {
    toFill.add(new Wanted(layer, expert));
  }

  /** Whether nothing waits for its turn. */
  boolean empty() {
    return postponed.isEmpty() && (toFill.isEmpty() || loading.closed());
  }

  /** Starts what waits, as long as the readers have nothing to do. */
  void start() {
    while (!postponed.isEmpty() && loading.readersWantMore()) {
      if (postponed.execution() == guesses.executions(postponed.layer())) {
        startGuess(postponed.layer(), postponed.expert(), postponed.probability());
      }
      postponed.removeFirst();
    }
    while (!toFill.isEmpty() && loading.readersWantMore()) {
      startFilling(toFill.remove());
    }
  }

  private void startGuess(int layer, int expert, float probability) {
    if (guesses.full() || slots.find(layer, expert) >= 0) {
      return;
    }
    int slot = slots.takeUnused();
    if (slot < 0) {
      slot = victims.forGuess(layer, eviction.expected(probability));
      // A guess that may still turn out right isn't given up for another.
      if (slot < 0 || guesses.isProtected(slot) || !loading.evict(slot)) {
        return;
      }
    }
    guesses.begin(slot, layer);
    loading.readAhead(slot, layer, expert);
  }

  private void startFilling(Wanted next) {
    if (slots.find(next.layer(), next.expert()) >= 0) {
      return;
    }
    int slot = slots.takeUnused();
    if (slot < 0) {
      toFill.clear();
      return;
    }
    eviction.used(next.layer(), new int[] {next.expert()}, 1);
    loading.readAhead(slot, next.layer(), next.expert());
  }
}
