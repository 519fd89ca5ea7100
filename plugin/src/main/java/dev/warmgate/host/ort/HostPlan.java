package dev.warmgate.host.ort;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.expert.LayerSpec;
import dev.warmgate.hwdetect.HardwareDetector;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.hwdetect.PlanRequest;
import dev.warmgate.hwdetect.Planner;
import dev.warmgate.kernels.Kernels;

/** How this machine runs a session. */
final class HostPlan {
  private HostPlan() {}

  /**
   * A plan.
   *
   * @param first a layer, whose experts tell which disk they are on
   */
  static Plan of(WarmgateOptions options, LayerSpec first) {
    return Planner.plan(
        HardwareDetector.detect(first.fc1().weights().file().getParent()),
        new PlanRequest(options.tier(), options.threads(), options.ioThreads()),
        Kernels::availability);
  }
}
