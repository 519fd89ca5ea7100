package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

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
  public void widen(MemorySegment halves, MemorySegment floats, long count) {
    Checks.widen(halves, floats, count);
    for (long i = 0; i < count; i++) {
      short half = halves.get(JAVA_SHORT_UNALIGNED, i * Short.BYTES);
      floats.set(JAVA_FLOAT_UNALIGNED, i * Float.BYTES, Float.float16ToFloat(half));
    }
  }

  @Override
  public void narrow(MemorySegment floats, MemorySegment halves, long count) {
    Checks.narrow(floats, halves, count);
    for (long i = 0; i < count; i++) {
      short half = Float.floatToFloat16(floats.get(JAVA_FLOAT_UNALIGNED, i * Float.BYTES));
      halves.set(JAVA_SHORT_UNALIGNED, i * Short.BYTES, half);
    }
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
