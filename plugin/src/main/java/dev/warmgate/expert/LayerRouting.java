package dev.warmgate.expert;

import dev.warmgate.config.RoutingOptions;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.metrics.ControllerState;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.residency.ExpertCache;
import dev.warmgate.residency.Warmth;
import dev.warmgate.routing.AdaptiveLambda;
import dev.warmgate.routing.Affinity;
import dev.warmgate.routing.CapacityRouter;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.Lambda;
import dev.warmgate.routing.PolicyRouter;
import dev.warmgate.routing.Router;
import dev.warmgate.routing.RoutingCounters;
import dev.warmgate.routing.Selection;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * How one layer routes, and what follows from it: counts, what the gate wants lately, and hints to
 * read what a policy displaced, without which the cache would never learn.
 */
final class LayerRouting implements AutoCloseable {
  /** So that affinity is the share of the last fifty tokens or so that wanted an expert. */
  private static final float DECAY = 0.98f;

  /** A read pays if it brings another hit before the expert goes again: in some ten tokens. */
  private static final float ADVANTAGE = 0.1f;

  private final boolean lossless;
  private final boolean counted;
  private final Router router;
  private final Affinity affinity;
  private final RoutingCounters counters = new RoutingCounters();
  private final ExpertCache cache;
  private final int cacheLayer;
  private final Warmth warmth;

  /** How often the gate wants each expert. */
  private record Wanted(Affinity affinity) implements Warmth {
    @Override
    public float of(int expert) {
      return affinity.value(expert);
    }

    @Override
    public float advantage() {
      return ADVANTAGE;
    }
  }

  LayerRouting(
      Kernels kernels,
      GateRule rule,
      RoutingOptions options,
      boolean counted,
      ExpertCache cache,
      int cacheLayer) {
    this.lossless = options.lossless();
    this.counted = counted;
    this.router = router(kernels, rule, options);
    this.affinity = new Affinity(rule.experts(), DECAY, 1 - DECAY, 1);
    this.cache = cache;
    this.cacheLayer = cacheLayer;
    this.warmth = new Wanted(affinity);
  }

  private static Router router(Kernels kernels, GateRule rule, RoutingOptions options) {
    return switch (options.mode()) {
      case LOSSLESS -> PolicyRouter.lossless(kernels, rule);
      case CACHE_PRIOR -> router(kernels, rule, options, RoutePolicy.CACHE_PRIOR);
      case MAX_RANK -> router(kernels, rule, options, RoutePolicy.MAX_RANK);
      case ADDITIVE -> router(kernels, rule, options, RoutePolicy.ADDITIVE);
      case CAPACITY -> new CapacityRouter(kernels, rule, options.absentShare());
    };
  }

  private static Router router(
      Kernels kernels, GateRule rule, RoutingOptions options, RoutePolicy policy) {
    return new PolicyRouter(
        kernels,
        rule,
        policy,
        lambda(options),
        options.keepTop(rule.topK()),
        options.maxRank(rule.experts(), rule.topK()));
  }

  private static Lambda lambda(RoutingOptions options) {
    return options.targetHitRate().isPresent()
        ? new AdaptiveLambda(
            options.lambda(), options.targetHitRate().getAsDouble(), options.minMassKept())
        : Lambda.fixed(options.lambda());
  }

  /** Selects experts for the tokens of a call. */
  void route(MemorySegment logits, int tokens, Selection selection) {
    router.route(logits, tokens, cache.mask(cacheLayer).words(), selection);
  }

  /** Draws the consequences of a selection whose experts are being computed. */
  void learn(Selection selection) {
    if (lossless) {
      return;
    }
    if (counted) {
      counters.add(selection);
    }
    for (int token = 0; token < selection.tokens(); token++) {
      learn(selection, token);
    }
  }

  private void learn(Selection selection, int token) {
    long number = affinity.nextToken();
    int displaced = selection.displacedCount(token);
    // In falling order of logits, those that the gate didn't choose come last.
    int wanted = selection.chosen(token) - displaced;
    for (int rank = 0; rank < wanted; rank++) {
      affinity.want(selection.expert(token * selection.topK() + rank), number);
    }
    for (int rank = 0; rank < displaced; rank++) {
      int expert = selection.displaced(token, rank);
      // Before it counts as wanted once more: an expert that was displaced but once is colder than
      // most, and reading it would cost what displacing it has saved.
      cache.hint(cacheLayer, expert, warmth);
      affinity.want(expert, number);
    }
  }

  RoutingStats statistics() {
    return counters.statistics(router.lambda());
  }

  Optional<ControllerState> controller() {
    return router.controller();
  }

  @Override
  public void close() {
    router.close();
  }
}
