package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.Tier;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.PolicyRouter;
import dev.warmgate.routing.Selection;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AssignmentsTest {

  @Test
  void groupsLikeAMapOfLists() {
    long before = NativeMemory.bytesInUse();
    for (int seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      int experts = 1 + random.nextInt(40);
      int topK = 1 + random.nextInt(Math.min(experts, 6));
      var rule = GateRule.moe(experts, topK, random.nextBoolean());
      try (var router = PolicyRouter.lossless(Kernels.of(Tier.SCALAR), rule);
          Selection selection = new Selection(topK);
          Assignments assignments = new Assignments(experts);
          Arena arena = Arena.ofConfined()) {
        for (int call = 0; call < 4; call++) {
          int tokens = 1 + random.nextInt(30);
          MemorySegment logits = arena.allocate(4L * tokens * experts, 4);
          for (int i = 0; i < tokens * experts; i++) {
            // Some weights come out as 0: from −∞, and from what underflows.
            float logit =
                switch (random.nextInt(4)) {
                  case 0 -> i % experts == 0 ? 0 : Float.NEGATIVE_INFINITY;
                  case 1 -> -1e30f;
                  default -> (float) random.nextGaussian();
                };
            logits.setAtIndex(
                ValueLayout.JAVA_FLOAT, i, i % experts == 0 ? Math.max(logit, 0) : logit);
          }
          router.route(logits, tokens, MemorySegment.NULL, selection);
          assignments.group(selection);
          assertEquals(naive(selection), grouped(assignments), "seed " + seed);
        }
      }
    }
    assertEquals(before, NativeMemory.bytesInUse());
  }

  private static Map<Integer, List<Integer>> naive(Selection selection) {
    Map<Integer, List<Integer>> groups = new LinkedHashMap<>();
    for (int a = 0; a < selection.assignments(); a++) {
      if (selection.weight(a) != 0) {
        groups.computeIfAbsent(selection.expert(a), _ -> new ArrayList<>()).add(a);
      }
    }
    return groups;
  }

  private static Map<Integer, List<Integer>> grouped(Assignments assignments) {
    Map<Integer, List<Integer>> groups = new LinkedHashMap<>();
    for (int g = 0; g < assignments.groups(); g++) {
      List<Integer> group = new ArrayList<>();
      for (int i = 0; i < assignments.count(g); i++) {
        group.add(assignments.assignments(g).getAtIndex(ValueLayout.JAVA_INT, i));
      }
      groups.put(assignments.experts()[g], group);
    }
    assertEquals(assignments.groups(), groups.size(), "an expert has two groups");
    return groups;
  }
}
