package dev.warmgate.expert;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** One object is there and two take: one gets it, the other a new one. */
@JCStressTest
@Outcome(
    id = {"1, 2", "2, 1"},
    expect = Expect.ACCEPTABLE,
    desc = "one each")
@Outcome(expect = Expect.FORBIDDEN, desc = "both have the same")
@State
public class PoolTakeStress {
  private final Counted maker = new Counted();
  private final Pool<Counted.Item> pool = new Pool<>(maker::make);

  /** The first object is made and given back. */
  public PoolTakeStress() {
    pool.give(pool.take());
  }

  /** A call begins. */
  @Actor
  public void one(II_Result seen) {
    seen.r1 = pool.take().number();
  }

  /** Another. */
  @Actor
  public void other(II_Result seen) {
    seen.r2 = pool.take().number();
  }
}
