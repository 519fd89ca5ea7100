package dev.warmgate.residency;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZZ_Result;

/** Experts whose bits share a word come and go at the same time: no change gets lost. */
@JCStressTest
@Outcome(id = "true, false, true", expect = Expect.ACCEPTABLE, desc = "both changes")
@Outcome(expect = Expect.FORBIDDEN, desc = "a change was lost")
@State
public class MaskNeighboursStress {
  private static final int COMING = 3;
  private static final int GOING = 4;
  private static final int STAYING = 5;

  private final ResidencyMask mask = new ResidencyMask(64, new HeapArena());

  /** Another two experts are resident. */
  public MaskNeighboursStress() {
    mask.set(GOING);
    mask.set(STAYING);
  }

  /** An expert is loaded. */
  @Actor
  public void come() {
    mask.set(COMING);
  }

  /** An expert is evicted. */
  @Actor
  public void go() {
    mask.clear(GOING);
  }

  /** What is left. */
  @Arbiter
  public void see(ZZZ_Result seen) {
    seen.r1 = mask.contains(COMING);
    seen.r2 = mask.contains(GOING);
    seen.r3 = mask.contains(STAYING);
  }
}
