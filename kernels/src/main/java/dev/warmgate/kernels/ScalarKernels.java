package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;

/** The tier in plain Java. */
final class ScalarKernels implements Kernels {
  @Override
  public Tier tier() {
    return Tier.SCALAR;
  }

  @Override
  public int topK(
      MemorySegment logits,
      int experts,
      MemorySegment residents,
      float bias,
      int k,
      Ties ties,
      MemorySegment ids) {
    Checks.topK(logits, experts, residents, bias, k, ids);
    return ScalarRouting.topK(logits, experts, residents, bias, k, ties, ids);
  }

  @Override
  public void gateWeights(
      MemorySegment logits,
      int experts,
      MemorySegment ids,
      int k,
      Denominator over,
      MemorySegment weights) {
    Checks.gateWeights(logits, experts, ids, k, weights);
    ScalarRouting.gateWeights(logits, experts, ids, k, over, weights);
  }

  @Override
  public int route(
      RoutePlan plan,
      float lambda,
      MemorySegment logits,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras) {
    Checks.route(plan, lambda, logits, tokens, residents, ids, weights, extras);
    return ScalarRoute.route(plan, lambda, logits, tokens, residents, ids, weights, extras);
  }

  @Override
  public void decay(MemorySegment values, int count, float factor) {
    Checks.decay(values, count);
    ScalarRouting.decay(values, count, factor);
  }

  @Override
  public void run(Step step, FfnBatch batch, int part) {
    Checks.run(batch, part);
    switch (step) {
      case UP -> ScalarFfn.up(batch, part);
      case DOWN -> ScalarFfn.down(batch, part);
      case COMBINE -> ScalarFfn.combine(batch, part);
    }
  }

  @Override
  public MemorySegment function(Step step) {
    return MemorySegment.NULL;
  }
}
