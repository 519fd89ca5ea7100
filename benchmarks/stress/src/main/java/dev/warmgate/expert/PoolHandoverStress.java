package dev.warmgate.expert;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** Who takes an object that another thread gave back sees what that one did to it. */
@JCStressTest
@Outcome(id = "7", expect = Expect.ACCEPTABLE, desc = "the other's, as it was left")
@Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "a new one")
@Outcome(expect = Expect.FORBIDDEN, desc = "the other's, as it was before")
@State
public class PoolHandoverStress {
  private static final int UNTOUCHED = -1;

  private final Counted maker = new Counted();
  private final Pool<Counted.Item> pool = new Pool<>(maker::make);
  private final Counted.Item used = pool.take();

  /** Taken before. */
  public PoolHandoverStress() {
    used.value = UNTOUCHED;
  }

  /** A call ends. */
  @Actor
  public void give() {
    used.value = 7;
    pool.give(used);
  }

  /** Another begins. */
  @Actor
  public void take(I_Result seen) {
    seen.r1 = pool.take().value;
  }
}
