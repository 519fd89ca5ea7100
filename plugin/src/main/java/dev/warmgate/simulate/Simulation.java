package dev.warmgate.simulate;

import dev.warmgate.residency.eviction.EvictionPolicy;

/**
 * Replays a trace through a cache, a token at a time.
 *
 * @param share of all experts that has room, above 0, at most 1
 * @param prefetch after each layer at most one expert is read ahead: the likeliest of the next
 *     layer's that is absent
 */
public record Simulation(PolicyChoice choice, double share, Prefetch prefetch) {

  /**
   * What came of it.
   *
   * @param uses how often a layer of a token wanted an expert
   * @param hits how often it was resident
   * @param loads experts read, for need or ahead
   * @param prefetchUsed experts read ahead and used before they made room
   * @param prefetchWasted experts read ahead that made room without having been used
   */
  public record Result(long uses, long hits, long loads, long prefetchUsed, long prefetchWasted) {
    /** The share of uses that found their expert resident. */
    public double hitRate() {
      return (double) hits / uses;
    }
  }

  /**
   * Runs it.
   *
   * @param onToken is told each token
   * @throws IllegalArgumentException if the trace has not what is needed
   */
  public Result run(Trace trace, Runnable onToken) {
    Trace.Header header = trace.header();
    Foresight foresight =
        switch (prefetch) {
          case NONE -> null;
          case TRANSITION -> new Foresight.ByTransition(header);
          case GATE -> gate(trace);
        };
    EvictionPolicy policy = choice.policy().apply(trace);
    SimulatedCache cache =
        new SimulatedCache(
            policy, choice.sharing(), header.layers(), header.experts(), slots(header));
    int[] selected = new int[header.topK()];
    float[] scores = new float[header.experts()];
    long hits = 0;
    for (Trace.Sequence sequence : trace.sequences()) {
      for (long token = sequence.offset(); token < sequence.end(); token++) {
        for (int layer = 0; layer < header.layers(); layer++) {
          trace.experts(token, layer, selected);
          hits += cache.call(layer, selected);
          if (foresight != null && foresight.next(token, layer, selected, scores)) {
            readAhead(cache, (layer + 1) % header.layers(), scores, header.topK());
          }
        }
        onToken.run();
      }
    }
    long uses = trace.tokens() * header.layers() * header.topK();
    return new Result(uses, hits, cache.loads(), cache.used(), cache.wasted());
  }

  private int slots(Trace.Header header) {
    return (int) Math.max(1, share * header.layers() * header.experts());
  }

  private static Foresight gate(Trace trace) {
    if (trace.logits().isEmpty()) {
      throw new IllegalArgumentException("prefetch gate needs a trace with logits");
    }
    return new Foresight.ByGate(trace);
  }

  /** Reads the likeliest absent expert, if it is among the k likeliest of all. */
  private static void readAhead(SimulatedCache cache, int layer, float[] likely, int topK) {
    int best = -1;
    for (int expert = 0; expert < likely.length; expert++) {
      if (!cache.resident(layer, expert) && (best < 0 || likely[expert] > likely[best])) {
        best = expert;
      }
    }
    if (best >= 0 && rank(likely, best) < topK) {
      cache.guess(layer, best, likely[best]);
    }
  }

  private static int rank(float[] values, int expert) {
    int rank = 0;
    for (float value : values) {
      rank += value > values[expert] ? 1 : 0;
    }
    return rank;
  }
}
