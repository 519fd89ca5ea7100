package dev.warmgate.residency;

import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.Sharing;
import dev.warmgate.residency.eviction.VictimChooser;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntPredicate;

/**
 * The slots of a cache: their memory, which expert each holds, and how many leases it has.
 *
 * <p>{@link #find}, {@link #tryLease}, {@link #release} and {@link #state} take no lock. What
 * changes which expert a slot holds is called under the cache's lock.
 */
final class Slots implements AutoCloseable {
  /** States of a slot; a resident one's state is the number of its leases. */
  static final int FREE = -1;

  static final int LOADING = -2;
  static final int FAILED = -3;

  private final int[] firstExpert;
  private final long slotBytes;
  private final MappedMemory memory;
  private final Arena maskArena = Arena.ofShared();
  private final List<ResidencyMask> masks = new ArrayList<>();

  /** Per expert: its slot, or −1. Written under the lock. */
  private final AtomicIntegerArray slotOf;

  private final AtomicIntegerArray state;

  // Guarded by the lock.
  private final int[] expertIn;
  private final int[] layerIn;
  private final int[] slotsOfLayer;
  private int unused;
  private int occupied;
  private int peakOccupied;

  /**
   * Maps the memory; all slots are free.
   *
   * @param experts how many each layer has
   * @throws OutOfMemoryError if the memory can't be had
   */
  Slots(int[] experts, int slots, long slotBytes) {
    this.slotBytes = slotBytes;
    firstExpert = new int[experts.length + 1];
    for (int layer = 0; layer < experts.length; layer++) {
      firstExpert[layer + 1] = Math.addExact(firstExpert[layer], experts[layer]);
      masks.add(new ResidencyMask(experts[layer], maskArena));
    }
    slotOf = new AtomicIntegerArray(filled(firstExpert[experts.length], -1));
    state = new AtomicIntegerArray(filled(slots, FREE));
    expertIn = new int[slots];
    layerIn = new int[slots];
    slotsOfLayer = new int[experts.length];
    unused = slots;
    memory = map(slots * slotBytes);
  }

  private MappedMemory map(long bytes) {
    try {
      return new MappedMemory(bytes);
    } catch (OutOfMemoryError e) {
      maskArena.close();
      throw e;
    }
  }

  /** How many slots there are. */
  int count() {
    return expertIn.length;
  }

  int layers() {
    return masks.size();
  }

  int experts(int layer) {
    return firstExpert[layer + 1] - firstExpert[layer];
  }

  MemorySegment memory(int slot) {
    return memory.segment().asSlice(slot * slotBytes, slotBytes);
  }

  ResidencyMask mask(int layer) {
    return masks.get(layer);
  }

  /** The slot that holds an expert or waits for it, or −1. */
  int find(int layer, int expert) {
    return slotOf.get(firstExpert[layer] + expert);
  }

  int state(int slot) {
    return state.get(slot);
  }

  /**
   * Leases an expert if it is resident.
   *
   * @return its slot, or −1
   */
  int tryLease(int layer, int expert) {
    int slot = find(layer, expert);
    if (slot < 0) {
      return -1;
    }
    for (int leases = state.get(slot); leases >= 0; leases = state.get(slot)) {
      if (state.compareAndSet(slot, leases, leases + 1)) {
        if (find(layer, expert) == slot) {
          return slot;
        }
        // Between the two reads the slot was given to another expert.
        release(slot);
        return -1;
      }
    }
    return -1;
  }

  /** Leases a resident expert; the lock keeps it where it is. */
  void lease(int slot) {
    state.incrementAndGet(slot);
  }

  /**
   * Gives a lease back.
   *
   * @return how many are left
   */
  int release(int slot) {
    return state.decrementAndGet(slot);
  }

  // What follows is called under the lock.

  int layerIn(int slot) {
    return layerIn[slot];
  }

  /** The expert in a slot that isn't free, by its number in its layer. */
  int expertIn(int slot) {
    return expertIn[slot] - firstExpert[layerIn[slot]];
  }

  int slotsOfLayer(int layer) {
    return slotsOfLayer[layer];
  }

  long occupiedBytes() {
    return occupied * slotBytes;
  }

  long peakBytes() {
    return peakOccupied * slotBytes;
  }

  /**
   * Chooses among these slots which to empty.
   *
   * @param spared whether a slot is emptied only if no other can be
   */
  VictimChooser chooser(
      EvictionPolicy policy, Sharing sharing, int[] experts, IntPredicate spared) {
    var view = new VictimChooser.Slots(expertIn, layerIn, slotsOfLayer, this::evictable, spared);
    return new VictimChooser(policy, sharing, experts, view);
  }

  boolean evictable(int slot) {
    return state.get(slot) == 0;
  }

  /** A slot that nothing is in, or −1. It is the caller's to {@link #occupy}. */
  int takeUnused() {
    if (unused == 0) {
      return -1;
    }
    int slot = 0;
    while (state.get(slot) != FREE) {
      slot++;
    }
    unused--;
    return slot;
  }

  /** Makes a free slot the place of an expert that is about to be read. */
  void occupy(int slot, int layer, int expert) {
    expertIn[slot] = firstExpert[layer] + expert;
    layerIn[slot] = layer;
    slotsOfLayer[layer]++;
    peakOccupied = Math.max(peakOccupied, ++occupied);
    state.set(slot, LOADING);
    slotOf.set(expertIn[slot], slot);
  }

  /** The expert has arrived. */
  void publish(int slot, int leases) {
    // In this order, so that whoever has a lease finds the bit set.
    mask(layerIn[slot]).set(expertIn(slot));
    state.set(slot, leases);
  }

  /** The expert won't arrive; whoever asks next tries again in a slot of its own. */
  void fail(int slot) {
    forget(slot);
    state.set(slot, FAILED);
  }

  /** Frees the slot of an expert that failed, or that isn't to be read any more. */
  void vacate(int slot) {
    if (state.get(slot) == LOADING) {
      forget(slot);
    }
    slotsOfLayer[layerIn[slot]]--;
    occupied--;
    unused++;
    state.set(slot, FREE);
  }

  /**
   * Takes a resident expert out of its slot, which is then the caller's to {@link #occupy}.
   *
   * @return false if somebody leases it
   */
  boolean evict(int slot) {
    if (!state.compareAndSet(slot, 0, FREE)) {
      return false;
    }
    mask(layerIn[slot]).clear(expertIn(slot));
    forget(slot);
    slotsOfLayer[layerIn[slot]]--;
    occupied--;
    return true;
  }

  private void forget(int slot) {
    slotOf.set(expertIn[slot], -1);
  }

  /** Gives the memory back; nobody uses a slot any more. */
  @Override
  public void close() {
    maskArena.close();
    memory.close();
  }

  private static int[] filled(int length, int value) {
    int[] array = new int[length];
    Arrays.fill(array, value);
    return array;
  }
}
