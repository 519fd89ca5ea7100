package dev.warmgate.benchmarks.dispatch;

import dev.warmgate.kernels.Ties;
import dev.warmgate.routing.dispatch.CapacityDispatch;
import dev.warmgate.routing.dispatch.PhaseRouter;
import java.lang.foreign.MemorySegment;

/** A way to give each row its targets. */
enum Method {
  PHASE("phase"),
  GATE("gate-aware"),
  HASH("hash"),
  WEIGHTED_HASH("weighted-hash"),
  TWO_CHOICES("two-choices");

  private final String text;

  /** A method with its workspace for one workload. */
  interface Call {
    /** Routes once, into {@code i32[N, k]}. */
    void route(int[] routes);
  }

  Method(String text) {
    this.text = text;
  }

  /** Its name in tables and JSON. */
  String text() {
    return text;
  }

  Call on(Workload workload) {
    return switch (this) {
      case PHASE -> phase(workload);
      case GATE -> gate(workload);
      case HASH -> routes -> HashRouters.uniform(workload, routes);
      case WEIGHTED_HASH -> routes -> HashRouters.weighted(workload, routes);
      case TWO_CHOICES -> routes -> HashRouters.twoChoices(workload, routes);
    };
  }

  private static Call phase(Workload workload) {
    Setting setting = workload.setting();
    PhaseRouter router = new PhaseRouter(setting.size(), setting.fanOut());
    return routes ->
        router.route(
            workload.sources(),
            workload.targets(),
            workload.sourcePermutation(),
            workload.targetPermutation(),
            workload.routeSeed(),
            routes);
  }

  private static Call gate(Workload workload) {
    Setting setting = workload.setting();
    CapacityDispatch dispatch =
        new CapacityDispatch(setting.size(), setting.fanOut(), Ties.LOWER_ID);
    MemorySegment logits = MemorySegment.ofArray(workload.logits());
    return routes ->
        dispatch.dispatch(
            logits, setting.size(), workload.capacities(), MemorySegment.ofArray(routes));
  }
}
