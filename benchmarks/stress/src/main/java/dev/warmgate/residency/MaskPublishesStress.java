package dev.warmgate.residency;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZI_Result;

/**
 * Who reads a set bit with {@link ResidencyMask#contains} sees what was written before it was set.
 */
@JCStressTest
@Outcome(id = "false, 0", expect = Expect.ACCEPTABLE, desc = "looked before")
@Outcome(id = "true, 7", expect = Expect.ACCEPTABLE, desc = "looked after")
@Outcome(expect = Expect.FORBIDDEN, desc = "resident without its content")
@State
public class MaskPublishesStress {
  private final ResidencyMask mask = new ResidencyMask(64, new HeapArena());
  private int content;

  /** A load ends. */
  @Actor
  public void load() {
    content = 7;
    mask.set(1);
  }

  /** Somebody looks. */
  @Actor
  public void look(ZI_Result seen) {
    seen.r1 = mask.contains(1);
    seen.r2 = seen.r1 ? content : 0;
  }
}
