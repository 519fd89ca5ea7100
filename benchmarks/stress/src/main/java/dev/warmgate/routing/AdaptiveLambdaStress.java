package dev.warmgate.routing;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJ_Result;

/**
 * Two calls end a period at the same time: each moves λ by one step, or finds the controller busy
 * and is left out.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "one found it busy")
@Outcome(id = "2, 2", expect = Expect.ACCEPTABLE, desc = "one after the other")
@Outcome(expect = Expect.FORBIDDEN, desc = "periods and steps differ")
@State
public class AdaptiveLambdaStress {
  private static final float START = 0.1f;

  /** So much is missed that λ grows by the largest step. */
  private static final double STEP = 0.05;

  private final AdaptiveLambda lambda = new AdaptiveLambda(START, 1, 0.5);

  /** A long call that misses all. */
  @Actor
  public void one() {
    lambda.observe(64, 64, 32, 32);
  }

  /** Another. */
  @Actor
  public void other() {
    lambda.observe(64, 64, 32, 32);
  }

  /** How far it went. */
  @Arbiter
  public void see(JJ_Result seen) {
    seen.r1 = lambda.state().periods();
    seen.r2 = Math.round(Math.log(lambda.value() / START) / STEP);
  }
}
