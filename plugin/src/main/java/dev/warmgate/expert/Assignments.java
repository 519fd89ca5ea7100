package dev.warmgate.expert;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.routing.Selection;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The assignments of a call, grouped by expert: a counting sort of a selection.
 *
 * <p>Groups are in the order in which experts first occur; within a group assignments ascend.
 * Assignments of weight 0 are left out, as the operators leave them out: their experts need not be
 * read.
 */
final class Assignments implements AutoCloseable {
  private static final MemorySegment[] NO_SLICES = {};

  private final int[] groupOf;
  private final int[] experts;
  private final int[] starts;
  private final int[] counts;
  private int groups;
  private NativeMemory.Block block = NativeMemory.allocate(1);
  private MemorySegment sorted = MemorySegment.NULL;
  private MemorySegment[] tails = NO_SLICES;

  Assignments(int experts) {
    this.groupOf = new int[experts];
    this.experts = new int[experts];
    this.starts = new int[experts];
    this.counts = new int[experts];
    Arrays.fill(groupOf, -1);
  }

  /** Groups a selection. */
  void group(Selection selection) {
    int total = selection.assignments();
    if (total > tails.length) {
      grow(total);
    }
    countGroups(selection, total);
    int start = 0;
    for (int g = 0; g < groups; g++) {
      starts[g] = start;
      start += counts[g];
      counts[g] = 0;
    }
    for (int a = 0; a < total; a++) {
      int expert = expertOf(selection, a);
      if (expert >= 0) {
        int g = groupOf[expert];
        sorted.setAtIndex(ValueLayout.JAVA_INT, starts[g] + counts[g]++, a);
      }
    }
    for (int g = 0; g < groups; g++) {
      groupOf[experts[g]] = -1;
    }
  }

  private void countGroups(Selection selection, int total) {
    groups = 0;
    for (int a = 0; a < total; a++) {
      int expert = expertOf(selection, a);
      if (expert >= 0) {
        int g = groupOf[expert];
        if (g < 0) {
          g = groups++;
          groupOf[expert] = g;
          experts[g] = expert;
          counts[g] = 0;
        }
        counts[g]++;
      }
    }
  }

  private static int expertOf(Selection selection, int assignment) {
    return selection.weight(assignment) == 0 ? -1 : selection.expert(assignment);
  }

  /** How many different experts the call needs. */
  int groups() {
    return groups;
  }

  /** The experts, by group; longer than {@link #groups}. */
  int[] experts() {
    return experts;
  }

  /** Whether the call needs an expert. */
  boolean contains(int expert) {
    for (int g = 0; g < groups; g++) {
      if (experts[g] == expert) {
        return true;
      }
    }
    return false;
  }

  /** How many assignments a group has. */
  int count(int group) {
    return counts[group];
  }

  /** Memory that begins with the {@code i32[count]} assignments of a group. */
  MemorySegment assignments(int group) {
    return tails[starts[group]];
  }

  @Override
  public void close() {
    block.close();
  }

  private void grow(int total) {
    tails = NO_SLICES; // If there is no memory, the next call tries again.
    block.close();
    block = NativeMemory.allocate((long) total * Integer.BYTES);
    sorted = block.memory();
    // Made once, so that a call allocates nothing.
    tails = new MemorySegment[total];
    for (int i = 0; i < total; i++) {
      tails[i] = sorted.asSlice((long) i * Integer.BYTES);
    }
  }
}
