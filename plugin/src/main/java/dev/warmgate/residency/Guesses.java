package dev.warmgate.residency;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Which slots hold experts that were read because somebody guessed that they will be wanted, and
 * that nobody has asked for yet.
 *
 * <p>Such a slot is spared until the layer has been executed so often that the guess was wrong; so
 * a prefetched expert isn't evicted just before it is used. Only a part of the slots can be spared.
 */
final class Guesses {
  /** At most one slot in so many holds an unused guess. */
  private static final int SHARE = 4;

  /** Executions of its layer that an unused guess outlives. */
  private static final int LIFE = 2;

  private static final int NONE = 0;

  /** Per slot: 0, or the number of its layer's execution after which it isn't protected. */
  private final AtomicIntegerArray until;

  /** Per layer: its executions. */
  private final AtomicIntegerArray executions;

  /** Per slot that holds a guess: its layer. Guarded by the cache's lock. */
  private final int[] layers;

  private final AtomicInteger unused = new AtomicInteger();
  private final LongAdder used = new LongAdder();
  private final LongAdder late = new LongAdder();
  private final LongAdder wasted = new LongAdder();

  Guesses(int slots, int layers) {
    this(slots, layers, 0);
  }

  /** The same for layers that were executed {@code before} times. */
  Guesses(int slots, int layers, int before) {
    until = new AtomicIntegerArray(slots);
    int[] counts = new int[layers];
    Arrays.fill(counts, before);
    executions = new AtomicIntegerArray(counts);
    this.layers = new int[slots];
  }

  /** Whether another guess would take more than its share of the slots. */
  boolean full() {
    return unused.get() >= layers.length / SHARE;
  }

  /** Notes that a layer is executed. */
  void executed(int layer) {
    executions.incrementAndGet(layer);
  }

  /** How often a layer was executed. */
  int executions(int layer) {
    return executions.get(layer);
  }

  /** A guess is being read into a slot. The caller holds the lock. */
  void begin(int slot, int layer) {
    layers[slot] = layer;
    unused.incrementAndGet();
    int end = executions.get(layer) + LIFE;
    until.set(slot, end == NONE ? end + 1 : end);
  }

  /** Whether the slot holds a guess that nobody has asked for. */
  boolean isUnused(int slot) {
    return until.getOpaque(slot) != NONE;
  }

  /** Whether the slot holds a guess that may still turn out right. */
  boolean isProtected(int slot) {
    int end = until.get(slot);
    // By their difference: the numbers of a long-lived server's executions wrap.
    return end != NONE && end - executions.get(layers[slot]) >= 0;
  }

  /**
   * Somebody asks for the expert.
   *
   * @param arrived whether it is resident by now
   */
  void asked(int slot, boolean arrived) {
    if (end(slot)) {
      (arrived ? used : late).increment();
    }
  }

  /** The slot is emptied. */
  void gone(int slot) {
    if (end(slot)) {
      wasted.increment();
    }
  }

  private boolean end(int slot) {
    if (until.get(slot) != NONE && until.getAndSet(slot, NONE) != NONE) {
      unused.decrementAndGet();
      return true;
    }
    return false;
  }

  /** Guesses that were resident when they were asked for. */
  long used() {
    return used.sum();
  }

  /** Guesses that were still being read when they were asked for. */
  long late() {
    return late.sum();
  }

  /** Guesses that went before anybody asked for them. */
  long wasted() {
    return wasted.sum();
  }
}
