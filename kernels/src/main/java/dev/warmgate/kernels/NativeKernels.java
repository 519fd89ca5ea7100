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
  private static final int MOST_LOGITS = 1 << 15;

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
    try {
      // A critical call holds off safepoints: no more logits in one than take some microseconds.
      int most = Math.max(1, MOST_LOGITS / plan.experts());
      if (tokens <= most) {
        return routeSome(plan, lambda, logits, 0, tokens, residents, ids, weights, extras);
      }
      for (int from = 0; from < tokens; from += most) {
        int some = Math.min(most, tokens - from);
        int bad = routeSome(plan, lambda, logits, from, some, residents, ids, weights, extras);
        if (bad >= 0) {
          return from + bad;
        }
      }
      return -1;
    } finally {
      Reference.reachabilityFence(plan);
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(residents);
      Reference.reachabilityFence(ids);
      Reference.reachabilityFence(weights);
      Reference.reachabilityFence(extras);
    }
  }

  /** Tokens from {@code from} on; all buffers are checked for more. */
  private int routeSome(
      RoutePlan plan,
      float lambda,
      MemorySegment logits,
      int from,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras) {
    long perToken = (long) from * Float.BYTES;
    long perSlot = perToken * plan.topK();
    long p = plan.nativeAddress();
    long z = address(logits, "logits") + perToken * plan.experts();
    long mask = address(residents, "residents");
    long chosen = address(ids, "ids") + perSlot;
    long shares = address(weights, "weights") + perSlot;
    if (extras.isNone()) {
      return bindings.callRoute(p, lambda, z, tokens, mask, chosen, shares);
    }
    long displaced = optional(extras.displaced(), "displaced", perSlot);
    long kept = optional(extras.kept(), "kept", perToken);
    long misses = optional(extras.misses(), "misses", perToken);
    return bindings.callRouteExtras(
        p, lambda, z, tokens, mask, chosen, shares, displaced, kept, misses);
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
  public void widen(MemorySegment halves, MemorySegment floats, long count) {
    Checks.widen(halves, floats, count);
    convert(bindings.widen(), halves, floats, count);
  }

  @Override
  public void narrow(MemorySegment floats, MemorySegment halves, long count) {
    Checks.narrow(floats, halves, count);
    convert(bindings.narrow(), floats, halves, count);
  }

  private void convert(MemorySegment function, MemorySegment from, MemorySegment to, long count) {
    try {
      bindings.callConvert(
          function, address(from, "what is converted"), address(to, "the result"), count);
    } finally {
      Reference.reachabilityFence(from);
      Reference.reachabilityFence(to);
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

  /** An address within a buffer, or 0 if there is none. */
  private static long optional(MemorySegment segment, String name, long offset) {
    long address = address(segment, name);
    return address == 0 ? 0 : address + offset;
  }

  private static long address(MemorySegment segment, String name) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(name + " is on the Java heap, a native tier can't use it");
    }
    return segment.address();
  }
}
