package dev.warmgate.expert;

import dev.warmgate.routing.Selection;
import java.lang.foreign.ValueLayout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Two calls at the same time, each with a selection out of one pool: neither sees the other's. */
@JCStressTest
@Outcome(id = "1, 2", expect = Expect.ACCEPTABLE, desc = "its own")
@Outcome(expect = Expect.FORBIDDEN, desc = "a selection was shared")
@State
public class SelectionsStress {
  // One for the process: selections are native memory.
  private static final Pool<Selection> POOL = new Pool<>(() -> new Selection(2));

  private static int use(int expert) {
    Selection selection = POOL.take();
    selection.begin(1);
    selection.ids().setAtIndex(ValueLayout.JAVA_INT, 0, expert);
    selection.ids().setAtIndex(ValueLayout.JAVA_INT, 1, expert);
    int seen = Math.max(selection.expert(0), selection.expert(1));
    POOL.give(selection);
    return seen;
  }

  /** A call. */
  @Actor
  public void one(II_Result seen) {
    seen.r1 = use(1);
  }

  /** Another. */
  @Actor
  public void other(II_Result seen) {
    seen.r2 = use(2);
  }
}
