package dev.warmgate.routing;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJI_Result;

/**
 * Two tokens want one expert: both count, and the value is that of a serial order, or what it is if
 * the earlier token counts as of the later one's time, as {@link Affinity} says.
 */
@JCStressTest
@Outcome(id = "2, 2, 150", expect = Expect.ACCEPTABLE, desc = "in order")
@Outcome(id = "2, 2, 200", expect = Expect.ACCEPTABLE, desc = "the later token came first")
@Outcome(expect = Expect.FORBIDDEN, desc = "a token was lost")
@State
public class AffinityCountsStress {
  private final Affinity affinity = new Affinity(2, 0.5f, 1, 10);

  /** A token. */
  @Actor
  public void one() {
    affinity.want(0, affinity.nextToken());
  }

  /** Another. */
  @Actor
  public void other() {
    affinity.want(0, affinity.nextToken());
  }

  /** The sums. */
  @Arbiter
  public void sum(JJI_Result seen) {
    seen.r1 = affinity.tokens();
    seen.r2 = affinity.count(0);
    seen.r3 = Math.round(affinity.value(0) * 100);
  }
}
