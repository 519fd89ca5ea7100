package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * Places what deferred acceptance left over: a row all of whose targets are full, or held by it
 * already, takes a place from a row that can go elsewhere, which may make a third one move, and so
 * on until a target with room is reached (an augmenting path of the flow). With it the number of
 * placed slots is the most that is possible.
 *
 * <p>Paths are searched breadth first, so the fewest rows move. What a failed search reached can
 * reach no room later either, and is left out of all further searches. Not thread-safe.
 */
final class Augmenter {
  private static final int NONE = -1;

  private final int[] freeTargets;
  private final int[] firstOf;
  private final boolean[] targetSeen;
  private final int[] seenTargets;

  /** The row that reached a target. */
  private final int[] reachedBy;

  // Slots of each target as lists: a slot's neighbours.
  private int[] next = new int[0];
  private int[] previous = new int[0];

  private boolean[] rowSeen = new boolean[0];
  private int[] queue = new int[0];

  /** The slot by which a row was reached: the one that it would give up. */
  private int[] slotOf = new int[0];

  private GateOrder order;
  private Placement placement;
  private int freeCount;

  Augmenter(int targets) {
    freeTargets = new int[targets];
    firstOf = new int[targets];
    targetSeen = new boolean[targets];
    seenTargets = new int[targets];
    reachedBy = new int[targets];
  }

  /** Fills as many of the empty slots as possible. */
  void run(GateOrder gateOrder, Placement placed) {
    order = gateOrder;
    placement = placed;
    findFree();
    if (freeCount == 0 || placed.placed() == placed.slots()) {
      return;
    }
    link();
    for (int slot = 0; slot < placed.slots() && freeCount > 0; slot++) {
      if (placed.key(slot) == GateOrder.NONE && !rowSeen[placed.row(slot)]) {
        search(slot);
      }
    }
  }

  /** Searches from the row of an empty slot and, if there is a way, moves everything along it. */
  private void search(int slot) {
    int start = placement.row(slot);
    int rowsSeen = 0;
    int targetsSeen = 0;
    rowSeen[start] = true;
    slotOf[start] = slot;
    queue[rowsSeen++] = start;
    int free = freeFor(start);
    int end = start;
    for (int head = 0; head < rowsSeen && free == NONE; head++) {
      int row = queue[head];
      for (int target = 0; target < placement.targets() && free == NONE; target++) {
        if (targetSeen[target] || !canTake(row, target)) {
          continue;
        }
        targetSeen[target] = true;
        seenTargets[targetsSeen++] = target;
        reachedBy[target] = row;
        for (int held = firstOf[target]; held != NONE && free == NONE; held = next[held]) {
          int other = placement.row(held);
          if (!rowSeen[other]) {
            rowSeen[other] = true;
            slotOf[other] = held;
            queue[rowsSeen++] = other;
            free = freeFor(other);
            end = other;
          }
        }
      }
    }
    if (free == NONE) {
      return;
    }
    move(start, end, free);
    for (int i = 0; i < rowsSeen; i++) {
      rowSeen[queue[i]] = false;
    }
    for (int i = 0; i < targetsSeen; i++) {
      targetSeen[seenTargets[i]] = false;
    }
  }

  /** From the path's end back: each row gives up its slot's target for the one after it. */
  private void move(int start, int end, int free) {
    int row = end;
    int target = free;
    while (true) {
      int slot = slotOf[row];
      long key = placement.key(slot);
      if (row == start) {
        fill(slot, row, target);
        break;
      }
      int given = order.target(key);
      placement.take(slot, given);
      unlink(slot, given);
      fill(slot, row, target);
      target = given;
      row = reachedBy[given];
    }
    if (!placement.hasRoom(free)) {
      findFree();
    }
  }

  private void fill(int slot, int row, int target) {
    placement.put(slot, order.key(row, target), target);
    link(slot, target);
  }

  /** The target with room that a row likes best, if it can take one. */
  private int freeFor(int row) {
    int best = NONE;
    long bestKey = GateOrder.NONE;
    for (int i = 0; i < freeCount; i++) {
      long key = order.key(row, freeTargets[i]);
      if (key > bestKey && !holds(row, freeTargets[i])) {
        best = freeTargets[i];
        bestKey = key;
      }
    }
    return best;
  }

  private boolean canTake(int row, int target) {
    return placement.takesAny(target)
        && order.key(row, target) != GateOrder.NONE
        && !holds(row, target);
  }

  private boolean holds(int row, int target) {
    int first = placement.firstSlot(row);
    for (int slot = first; slot < first + placement.fanOut(); slot++) {
      if (placement.key(slot) != GateOrder.NONE && order.target(placement.key(slot)) == target) {
        return true;
      }
    }
    return false;
  }

  private void findFree() {
    freeCount = 0;
    for (int target = 0; target < placement.targets(); target++) {
      if (placement.hasRoom(target)) {
        freeTargets[freeCount++] = target;
      }
    }
  }

  private void link() {
    int slots = placement.slots();
    int rows = placement.rows();
    if (slots > next.length) {
      next = new int[slots];
      previous = new int[slots];
    }
    if (rows > rowSeen.length) {
      rowSeen = new boolean[rows];
      queue = new int[rows];
      slotOf = new int[rows];
    }
    Arrays.fill(firstOf, NONE);
    Arrays.fill(targetSeen, false);
    Arrays.fill(rowSeen, 0, rows, false);
    for (int slot = slots - 1; slot >= 0; slot--) {
      if (placement.key(slot) != GateOrder.NONE) {
        link(slot, order.target(placement.key(slot)));
      }
    }
  }

  private void link(int slot, int target) {
    int first = firstOf[target];
    next[slot] = first;
    previous[slot] = NONE;
    if (first != NONE) {
      previous[first] = slot;
    }
    firstOf[target] = slot;
  }

  private void unlink(int slot, int target) {
    if (previous[slot] == NONE) {
      firstOf[target] = next[slot];
    } else {
      next[previous[slot]] = next[slot];
    }
    if (next[slot] != NONE) {
      previous[next[slot]] = previous[slot];
    }
  }
}
