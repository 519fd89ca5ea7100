package dev.warmgate.routing;

import dev.warmgate.routing.PagingDecision.Demand;
import dev.warmgate.routing.PagingDecision.Evict;
import dev.warmgate.routing.PagingDecision.Prefetch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Says what a selection means for paging: what must be read, what should be, and what can go for
 * it.
 *
 * <p>Pure: it reads a selection, a residency mask and affinities, and changes nothing. It
 * allocates; the serving path acts on selections directly and doesn't use it.
 */
public final class PagingAdvisor {
  private static final Comparator<PagingDecision> HIGHEST_FIRST =
      Comparator.comparingDouble((PagingDecision d) -> -d.priority())
          .thenComparingInt(PagingDecision::expert);

  private PagingAdvisor() {}

  /**
   * Decisions for one layer after a call was routed: demands, then prefetches, then as many
   * evictions as experts are to come; each kind by falling priority, equal ones by id.
   *
   * @param experts of the layer
   * @param residents the residency mask, u64 words
   * @param affinity of the layer
   */
  public static List<PagingDecision> advise(
      Selection selection, int experts, MemorySegment residents, Affinity affinity) {
    Map<Integer, Float> demands = new HashMap<>();
    Map<Integer, Float> prefetches = new HashMap<>();
    boolean[] chosen = new boolean[experts];
    for (int token = 0; token < selection.tokens(); token++) {
      for (int rank = 0; rank < selection.chosen(token); rank++) {
        int assignment = token * selection.topK() + rank;
        int expert = selection.expert(assignment);
        chosen[expert] = true;
        if (!resident(residents, expert)) {
          demands.merge(expert, selection.weight(assignment), Math::max);
        }
      }
    }
    for (int token = 0; token < selection.tokens(); token++) {
      for (int rank = 0; rank < selection.displacedCount(token); rank++) {
        int expert = selection.displaced(token, rank);
        if (!resident(residents, expert) && !chosen[expert]) {
          prefetches.put(expert, affinity.value(expert));
        }
      }
    }
    List<PagingDecision> decisions = new ArrayList<>();
    demands.forEach((expert, weight) -> decisions.add(new Demand(expert, weight)));
    decisions.sort(HIGHEST_FIRST);
    decisions.addAll(
        prefetches.entrySet().stream()
            .<PagingDecision>map(e -> new Prefetch(e.getKey(), e.getValue()))
            .sorted(HIGHEST_FIRST)
            .toList());
    int coming = decisions.size();
    List<PagingDecision> evictions = new ArrayList<>();
    for (int expert = 0; expert < experts; expert++) {
      if (resident(residents, expert) && !chosen[expert]) {
        evictions.add(new Evict(expert, 1 / (1 + affinity.value(expert))));
      }
    }
    evictions.sort(HIGHEST_FIRST);
    decisions.addAll(evictions.subList(0, Math.min(coming, evictions.size())));
    return decisions;
  }

  private static boolean resident(MemorySegment words, int expert) {
    return words.byteSize() > 0
        && (words.getAtIndex(ValueLayout.JAVA_LONG, expert >>> 6) >>> expert & 1) != 0;
  }
}
