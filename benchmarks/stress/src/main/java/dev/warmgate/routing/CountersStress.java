package dev.warmgate.routing;

import dev.warmgate.metrics.RoutingStats;
import java.lang.foreign.ValueLayout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJJJ_Result;

/** Two calls are counted at the same time: nothing gets lost. */
@JCStressTest
@Outcome(id = "2, 4, 2, 2, 150", expect = Expect.ACCEPTABLE, desc = "both calls")
@Outcome(expect = Expect.FORBIDDEN, desc = "a call was lost")
@State
public class CountersStress {
  private static final Selection ROUTED = routed();

  private final RoutingCounters counters = new RoutingCounters();

  /** One token with two experts, of which one is absent and one not the gate's; kept .75. */
  private static Selection routed() {
    Selection selection = new Selection(2);
    selection.begin(1);
    selection.ids().setAtIndex(ValueLayout.JAVA_INT, 0, 0);
    selection.ids().setAtIndex(ValueLayout.JAVA_INT, 1, 1);
    selection.extras().displaced().setAtIndex(ValueLayout.JAVA_INT, 0, 2);
    selection.extras().displaced().setAtIndex(ValueLayout.JAVA_INT, 1, -1);
    selection.extras().misses().setAtIndex(ValueLayout.JAVA_INT, 0, 1);
    selection.extras().kept().setAtIndex(ValueLayout.JAVA_FLOAT, 0, 0.75f);
    return selection;
  }

  /** A call. */
  @Actor
  public void one() {
    counters.add(ROUTED);
  }

  /** Another. */
  @Actor
  public void other() {
    counters.add(ROUTED);
  }

  /** The sums. */
  @Arbiter
  public void sum(JJJJJ_Result seen) {
    RoutingStats stats = counters.statistics(0);
    seen.r1 = stats.tokens();
    seen.r2 = stats.chosen();
    seen.r3 = stats.misses();
    seen.r4 = stats.displaced();
    seen.r5 = (long) (stats.keptSum() * 100);
  }
}
