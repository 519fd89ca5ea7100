package dev.warmgate.expert;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.Tier;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.PolicyRouter;
import dev.warmgate.routing.Selection;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A call of a layer whose tokens select one expert each. */
final class ChosenExperts implements AutoCloseable {
  private final Selection selection = new Selection(1);
  private final Assignments assignments;

  /**
   * A call.
   *
   * @param experts of the layer
   * @param ofToken the expert of each token
   */
  ChosenExperts(int experts, int... ofToken) {
    assignments = new Assignments(experts);
    try (var router =
            PolicyRouter.lossless(Kernels.of(Tier.SCALAR), GateRule.moe(experts, 1, true));
        Arena arena = Arena.ofConfined()) {
      MemorySegment logits =
          arena.allocate(ValueLayout.JAVA_FLOAT, (long) ofToken.length * experts);
      for (int t = 0; t < ofToken.length; t++) {
        logits.setAtIndex(ValueLayout.JAVA_FLOAT, (long) t * experts + ofToken[t], 5);
      }
      router.route(logits, ofToken.length, MemorySegment.NULL, selection);
      assignments.group(selection);
    }
  }

  Assignments assignments() {
    return assignments;
  }

  @Override
  public void close() {
    assignments.close();
    selection.close();
  }
}
