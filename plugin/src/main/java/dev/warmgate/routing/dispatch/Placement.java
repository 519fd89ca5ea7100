package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * Who is where: slot {@code row * fanOut + i} is one of a row's places and holds the key of a
 * target, or none. Counts the targets' loads. Not thread-safe.
 */
final class Placement {
  private final int targets;
  private final int fanOut;
  private final int[] load;
  private final int[] capacity;
  private long[] keys = new long[0];
  private int rows;
  private int placed;

  Placement(int targets, int fanOut) {
    this.targets = targets;
    this.fanOut = fanOut;
    load = new int[targets];
    capacity = new int[targets];
  }

  /** Begins a call with everything empty. A target takes a row once, so rows bound a capacity. */
  void begin(int rowCount, int[] capacities) {
    rows = rowCount;
    placed = 0;
    if (slots() > keys.length) {
      keys = new long[slots()];
    }
    Arrays.fill(keys, 0, slots(), GateOrder.NONE);
    Arrays.fill(load, 0);
    for (int target = 0; target < targets; target++) {
      capacity[target] = Math.min(capacities[target], rowCount);
    }
  }

  int rows() {
    return rows;
  }

  int targets() {
    return targets;
  }

  int fanOut() {
    return fanOut;
  }

  int slots() {
    return rows * fanOut;
  }

  int placed() {
    return placed;
  }

  int row(int slot) {
    return slot / fanOut;
  }

  int firstSlot(int row) {
    return row * fanOut;
  }

  /** The key that a slot holds, {@link GateOrder#NONE} if it is empty. */
  long key(int slot) {
    return keys[slot];
  }

  boolean hasRoom(int target) {
    return load[target] < capacity[target];
  }

  boolean takesAny(int target) {
    return capacity[target] > 0;
  }

  /** Fills an empty slot. */
  void put(int slot, long key, int target) {
    keys[slot] = key;
    load[target]++;
    placed++;
  }

  /** Empties a slot. */
  void take(int slot, int target) {
    keys[slot] = GateOrder.NONE;
    load[target]--;
    placed--;
  }
}
