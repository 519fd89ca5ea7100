package dev.warmgate.expert;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Two give back at the same time: both objects are there to be taken. */
@JCStressTest
@Outcome(
    id = {"1, 2", "2, 1"},
    expect = Expect.ACCEPTABLE,
    desc = "both are there")
@Outcome(expect = Expect.FORBIDDEN, desc = "one was lost")
@State
public class PoolGiveStress {
  private final Counted maker = new Counted();
  private final Pool<Counted.Item> pool = new Pool<>(maker::make);
  private final Counted.Item first = pool.take();
  private final Counted.Item second = pool.take();

  /** A call ends. */
  @Actor
  public void one() {
    pool.give(first);
  }

  /** Another. */
  @Actor
  public void other() {
    pool.give(second);
  }

  /** Two more begin. */
  @Arbiter
  public void take(II_Result seen) {
    seen.r1 = pool.take().number();
    seen.r2 = pool.take().number();
  }
}
