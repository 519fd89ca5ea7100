package dev.warmgate.routing;

import dev.warmgate.metrics.RoutingStats;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** What a layer's policy did to the gate's choice, counted by all threads. */
public final class RoutingCounters {
  private final LongAdder tokens = new LongAdder();
  private final LongAdder chosen = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder displaced = new LongAdder();
  private final DoubleAdder kept = new DoubleAdder();

  /** Counts a call. */
  public void add(Selection selection) {
    int callChosen = 0;
    int callDisplaced = 0;
    int callMisses = 0;
    double callKept = 0;
    for (int token = 0; token < selection.tokens(); token++) {
      callChosen += selection.chosen(token);
      callDisplaced += selection.displacedCount(token);
      callMisses += selection.misses(token);
      callKept += selection.kept(token);
    }
    tokens.add(selection.tokens());
    chosen.add(callChosen);
    misses.add(callMisses);
    displaced.add(callDisplaced);
    kept.add(callKept);
  }

  /** The sums so far, with the strength of the bias as it is now. */
  public RoutingStats statistics(float lambda) {
    return new RoutingStats(
        tokens.sum(), chosen.sum(), misses.sum(), displaced.sum(), kept.sum(), lambda);
  }
}
