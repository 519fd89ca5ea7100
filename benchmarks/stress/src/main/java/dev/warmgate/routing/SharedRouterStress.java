package dev.warmgate.routing;

import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.kernels.Tier;
import dev.warmgate.kernels.Ties;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Two threads route by one router: each gets what it would get alone. */
@JCStressTest
@Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "as alone")
@Outcome(expect = Expect.FORBIDDEN, desc = "a buffer was shared")
@State
public class SharedRouterStress {
  private static final int TOKENS = 6;
  private static final GateRule RULE = new GateRule(8, 2, Denominator.SELECTED, Ties.LOWER_ID);
  // The scalar tier: its scratch is in Java, and belongs to the plan.
  private static final Kernels KERNELS = Kernels.of(Tier.SCALAR);
  private static final Router CAPACITY = new CapacityRouter(KERNELS, RULE, 0.5);
  private static final Router RANKED =
      new PolicyRouter(KERNELS, RULE, RoutePolicy.MAX_RANK, Lambda.fixed(0), 1, 4);
  private static final MemorySegment RESIDENTS = MemorySegment.ofArray(new long[] {0b1001_0110});
  private static final Side LEFT = new Side(1);
  private static final Side RIGHT = new Side(2);

  /** What one thread routes. There is one such thread a process, so that this is made once. */
  private static final class Side {
    final MemorySegment logits;
    final Selection selection = new Selection(RULE.topK());
    final int[] capacityAlone;
    final int[] rankedAlone;

    Side(long seed) {
      Random random = new Random(seed);
      float[] values = new float[TOKENS * RULE.experts()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      logits = MemorySegment.ofArray(values);
      capacityAlone = route(CAPACITY);
      rankedAlone = route(RANKED);
    }

    private int[] route(Router router) {
      router.route(logits, TOKENS, RESIDENTS, selection);
      int[] ids = new int[selection.assignments()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = selection.expert(i);
      }
      return ids;
    }

    boolean isAsAlone() {
      return Arrays.equals(route(CAPACITY), capacityAlone)
          && Arrays.equals(route(RANKED), rankedAlone);
    }
  }

  /** One thread. */
  @Actor
  public void left(ZZ_Result seen) {
    seen.r1 = LEFT.isAsAlone();
  }

  /** Another. */
  @Actor
  public void right(ZZ_Result seen) {
    seen.r2 = RIGHT.isAsAlone();
  }
}
