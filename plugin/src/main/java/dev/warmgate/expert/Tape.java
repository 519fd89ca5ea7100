package dev.warmgate.expert;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which experts one sequence used lately, layer by layer. Recorded by the thread that executes the
 * sequence, read by one that expects it to go on; allocates only when it is read.
 */
public final class Tape {
  /** Executions of a layer after which an expert is forgotten. */
  private static final int MEMORY = 8;

  /** Per layer and expert: the number of the layer's execution that used it last, 0 if none. */
  private final List<int[]> lastUse = new ArrayList<>();

  private final int[] executions;

  Tape(List<Integer> experts) {
    experts.forEach(count -> lastUse.add(new int[count]));
    executions = new int[experts.size()];
  }

  synchronized void record(int layer, Assignments chosen) {
    int now = ++executions[layer];
    int[] last = lastUse.get(layer);
    for (int group = 0; group < chosen.groups(); group++) {
      last[chosen.experts()[group]] = now;
    }
  }

  /** What the layer used lately, the latest first. */
  synchronized int[] recent(int layer) {
    int[] last = lastUse.get(layer);
    int oldest = Math.max(1, executions[layer] - MEMORY + 1);
    List<Integer> found = new ArrayList<>();
    for (int expert = 0; expert < last.length; expert++) {
      if (last[expert] >= oldest) {
        found.add(expert);
      }
    }
    found.sort(Comparator.comparingInt(expert -> -last[expert]));
    return found.stream().mapToInt(Integer::intValue).toArray();
  }
}
