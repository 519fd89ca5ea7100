package dev.warmgate.residency;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Two calls want experts that can't be resident together, so that each evicts what the other has
 * just given back: under a lease a slot holds one expert, whole, and its bit is set.
 */
@JCStressTest
@Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "nothing moved under a lease")
@Outcome(expect = Expect.FORBIDDEN, desc = "a leased slot changed")
@State
public class LeaseStress {
  private final LeaseSet left = StressCache.newLeaseSet();
  private final LeaseSet right = StressCache.newLeaseSet();

  /** One call; the first lease is lock-free when the expert is still there from the last test. */
  @Actor
  public void left(ZZ_Result seen) {
    seen.r1 = StressCache.holdsStill(left, 0, 0);
  }

  /** Another. */
  @Actor
  public void right(ZZ_Result seen) {
    seen.r2 = StressCache.holdsStill(right, 1, 2);
  }
}
