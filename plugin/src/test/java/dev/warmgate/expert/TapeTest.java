package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class TapeTest {
  private static final int EXPERTS = 20;

  @Test
  void anEmptyTapeKnowsNothing() {
    assertArrayEquals(new int[0], new Tape(List.of(3, 4)).recent(1));
  }

  /** What the last eight executions of a layer used, the latest first, by a list of them. */
  @Test
  void remembersTheLastEightExecutionsOfEachLayer() {
    var tape = new Tape(List.of(EXPERTS, EXPERTS));
    List<Deque<Set<Integer>>> executions = List.of(new ArrayDeque<>(), new ArrayDeque<>());
    Random random = new Random(1);
    for (int turn = 0; turn < 500; turn++) {
      int layer = random.nextInt(2);
      int[] experts = random.ints(1 + random.nextInt(4), 0, EXPERTS).toArray();
      try (var call = new ChosenExperts(EXPERTS, experts)) {
        tape.record(layer, call.assignments());
      }
      Set<Integer> used = new TreeSet<>(Arrays.stream(experts).boxed().toList());
      executions.get(layer).addFirst(used);
      if (executions.get(layer).size() > 8) {
        executions.get(layer).removeLast();
      }
      for (int l = 0; l < 2; l++) {
        Set<Integer> expected = new LinkedHashSet<>();
        executions.get(l).forEach(expected::addAll);
        List<Integer> found = new ArrayList<>();
        Arrays.stream(tape.recent(l)).forEach(found::add);
        assertEquals(List.copyOf(expected), found, "turn " + turn);
      }
    }
  }
}
