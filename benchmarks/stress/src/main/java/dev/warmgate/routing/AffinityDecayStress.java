package dev.warmgate.routing;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A value is read while it is brought up to date: it and its time are never of different age. */
@JCStressTest
@Outcome(id = "1048576", expect = Expect.ACCEPTABLE, desc = "before the token")
@Outcome(id = "524288", expect = Expect.ACCEPTABLE, desc = "the token began")
@Outcome(id = "1074266112", expect = Expect.ACCEPTABLE, desc = "the token wanted it")
@Outcome(expect = Expect.FORBIDDEN, desc = "a value with the time of another")
@State
public class AffinityDecayStress {
  private static final int SCALE = 1 << 30;

  private final Affinity affinity = new Affinity(2, 0.5f, 1, 10);

  /** Wanted once, ten tokens ago. */
  public AffinityDecayStress() {
    affinity.want(0, affinity.nextToken());
    for (int token = 0; token < 10; token++) {
      long _ = affinity.nextToken();
    }
  }

  /** It is wanted again. */
  @Actor
  public void want() {
    affinity.want(0, affinity.nextToken());
  }

  /** Somebody asks. */
  @Actor
  public void ask(I_Result seen) {
    seen.r1 = (int) (affinity.value(0) * SCALE);
  }
}
