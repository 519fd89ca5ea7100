package dev.warmgate.residency;

import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.Sharing;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * What {@link ExpertCache} says it does, for one thread, by plain loops over plain arrays. What
 * experts are worth it asks of a policy of its own.
 */
final class ReferenceCache {
  private static final int NO_GUESS = -1;

  private final int[] layerIn;
  private final int[] expertIn;

  /** Per slot: executions of its layer when its expert was guessed, while nobody has asked. */
  private final int[] guessedAt;

  private final int[] executions;
  private final int quota;
  private final boolean evicts;
  private final EvictionPolicy policy;
  private final Sharing sharing;
  final Set<Integer> leased = new HashSet<>();
  long hits;
  long misses;
  long prefetches;
  long prefetchesUsed;
  long prefetchesWasted;
  int peak;

  ReferenceCache(int slots, int[] experts, EvictionKind kind) {
    layerIn = new int[slots];
    expertIn = new int[slots];
    guessedAt = new int[slots];
    executions = new int[experts.length];
    Arrays.fill(expertIn, -1);
    Arrays.fill(guessedAt, NO_GUESS);
    quota = Math.max(1, slots / experts.length);
    evicts = slots < Arrays.stream(experts).sum();
    policy = kind.create(experts, 1);
    sharing = kind.sharing();
  }

  int slotOf(int layer, int expert) {
    return slots(s -> expertIn[s] == expert && layerIn[s] == layer).findFirst().orElse(-1);
  }

  int occupied() {
    return (int) slots(s -> expertIn[s] >= 0).count();
  }

  float worth(int slot) {
    return policy.worth(layerIn[slot], expertIn[slot]);
  }

  /** A call that wants no more experts than there are slots; it leases all of them. */
  int[] call(int layer, int[] wanted) {
    begin(layer, wanted);
    int[] slots = new int[wanted.length];
    for (int i = 0; i < wanted.length; i++) {
      slots[i] = slotOf(layer, wanted[i]);
      if (slots[i] >= 0) {
        leased.add(slots[i]);
      }
    }
    for (int i = 0; i < wanted.length; i++) {
      if (slots[i] < 0) {
        slots[i] = forDemand(layer);
        place(slots[i], layer, wanted[i]);
        leased.add(slots[i]);
      }
    }
    return slots;
  }

  /** Notes that a call begins: what it wants, and which of that is there. */
  void begin(int layer, int[] wanted) {
    if (evicts) {
      policy.used(layer, wanted, wanted.length);
      executions[layer]++;
    }
    for (int expert : wanted) {
      int slot = slotOf(layer, expert);
      if (slot < 0) {
        misses++;
      } else {
        hits++;
        if (guessedAt[slot] != NO_GUESS) {
          guessedAt[slot] = NO_GUESS;
          prefetchesUsed++;
        }
      }
    }
  }

  /** An expert came into a slot. */
  void place(int slot, int layer, int expert) {
    if (guessedAt[slot] != NO_GUESS) {
      guessedAt[slot] = NO_GUESS;
      prefetchesWasted++;
    }
    layerIn[slot] = layer;
    expertIn[slot] = expert;
    peak = Math.max(peak, occupied());
  }

  /** A guess of one expert, read before anything else happens. */
  void guess(int layer, int expert, float probability) {
    boolean full = slots(s -> guessedAt[s] != NO_GUESS).count() >= expertIn.length / 4;
    if (slotOf(layer, expert) >= 0 || full) {
      return;
    }
    int slot = unused();
    if (slot < 0) {
      IntPredicate mine =
          switch (sharing) {
            case POOL -> s -> true;
            case EQUAL -> count(layer) >= quota ? s -> layerIn[s] == layer : this::isOfRicher;
          };
      slot =
          least(layer, s -> mine.test(s) && !spared(s) && worth(s) < policy.expected(probability));
    }
    if (slot >= 0) {
      place(slot, layer, expert);
      guessedAt[slot] = executions[layer];
      prefetches++;
    }
  }

  private int forDemand(int layer) {
    int slot = unused();
    if (slot < 0 && sharing == Sharing.EQUAL) {
      slot = least(layer, count(layer) >= quota ? s -> layerIn[s] == layer : this::isOfRicher);
    }
    return slot >= 0 ? slot : least(layer, s -> true);
  }

  private int unused() {
    return slots(s -> expertIn[s] < 0).findFirst().orElse(-1);
  }

  /** Not used yet, and its layer was executed twice at most since it was guessed. */
  private boolean spared(int slot) {
    return guessedAt[slot] != NO_GUESS && executions[layerIn[slot]] <= guessedAt[slot] + 2;
  }

  /** Of the least worth, what is spared last; of equals that whose layer comes last. */
  private int least(int layer, IntPredicate candidate) {
    int layers = executions.length;
    return slots(s -> !leased.contains(s) && candidate.test(s))
        .boxed()
        .min(
            Comparator.comparing(this::spared)
                .thenComparing(this::worth)
                .thenComparing(s -> -Math.floorMod(layerIn[s] - layer - 1, layers)))
        .orElse(-1);
  }

  private boolean isOfRicher(int slot) {
    return count(layerIn[slot]) > quota;
  }

  private int count(int layer) {
    return (int) slots(s -> expertIn[s] >= 0 && layerIn[s] == layer).count();
  }

  private IntStream slots(IntPredicate which) {
    return IntStream.range(0, expertIn.length).filter(which);
  }
}
