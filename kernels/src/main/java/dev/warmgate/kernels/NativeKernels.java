package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * A tier of the native library.
 *
 * <p>Why the calls are safe: {@link Checks} and {@link FfnBatch} have compared the sizes, the C
 * code stays inside them, and it keeps no address. The caller keeps the memory open during the call
 * (the contract of {@link Kernels}); the reachability fences keep memory of automatic arenas.
 */
final class NativeKernels implements Kernels {
  private final Tier tier;
  private final KernelBindings bindings;

  NativeKernels(Tier tier, KernelBindings bindings) {
    this.tier = tier;
    this.bindings = bindings;
  }

  @Override
  public Tier tier() {
    return tier;
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
    long z = address(logits, "logits");
    long mask = address(residents, "residents");
    long out = address(ids, "ids");
    int higherId = ties == Ties.HIGHER_ID ? 1 : 0;
    try {
      return bindings.callTopK(z, experts, mask, bias, k, higherId, out);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(residents);
      Reference.reachabilityFence(ids);
    }
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
    long z = address(logits, "logits");
    long chosen = address(ids, "ids");
    long out = address(weights, "weights");
    int all = over == Denominator.ALL ? 1 : 0;
    try {
      if (bindings.callGateWeights(z, experts, chosen, k, all, out) != 0) {
        throw Checks.badId();
      }
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(ids);
      Reference.reachabilityFence(weights);
    }
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
    if (!plan.isListed()) {
      return ScalarRoute.route(plan, lambda, logits, tokens, residents, ids, weights, extras);
    }
    long z = address(logits, "logits");
    long mask = address(residents, "residents");
    long chosen = address(ids, "ids");
    long shares = address(weights, "weights");
    long displaced = 0;
    long kept = 0;
    long misses = 0;
    if (!extras.isNone()) {
      displaced = address(extras.displaced(), "displaced");
      kept = address(extras.kept(), "kept");
      misses = address(extras.misses(), "misses");
    }
    try {
      return bindings.callRoute(
          plan.nativeAddress(), lambda, z, tokens, mask, chosen, shares, displaced, kept, misses);
    } finally {
      Reference.reachabilityFence(plan);
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(residents);
      Reference.reachabilityFence(ids);
      Reference.reachabilityFence(weights);
      Reference.reachabilityFence(extras);
    }
  }

  @Override
  public void decay(MemorySegment values, int count, float factor) {
    Checks.decay(values, count);
    try {
      bindings.callDecay(address(values, "values"), count, factor);
    } finally {
      Reference.reachabilityFence(values);
    }
  }

  @Override
  public void run(Step step, FfnBatch batch, int part) {
    Checks.run(batch, part);
    try {
      bindings.callFfn(function(step), batch.nativeAddress(), part);
    } finally {
      // The batch holds on to all segments that its struct points to.
      Reference.reachabilityFence(batch);
    }
  }

  @Override
  public MemorySegment function(Step step) {
    return switch (step) {
      case UP -> bindings.up();
      case DOWN -> bindings.down();
      case COMBINE -> bindings.combine();
    };
  }

  private static long address(MemorySegment segment, String name) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(name + " is on the Java heap, a native tier can't use it");
    }
    return segment.address();
  }
}
