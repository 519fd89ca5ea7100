package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * The C functions of one tier, a variant's with those of its base: signature and call, no logic.
 * The handles are constants that all tiers share, and take the function's address as their first
 * argument. Addresses travel as plain longs, so a call allocates nothing; the callers say why that
 * is safe.
 *
 * @param topK {@code wg_<tier>_topk}
 * @param gateWeights {@code wg_<tier>_gate_weights}
 * @param route {@code wg_<tier>_route}
 * @param routeExtras {@code wg_<tier>_route_extras}
 * @param decay {@code wg_<tier>_decay}
 * @param widen {@code wg_<tier>_widen}
 * @param narrow {@code wg_<tier>_narrow}
 * @param up {@code wg_<tier>_ffn_up}
 * @param down {@code wg_<tier>_ffn_down}
 * @param combine {@code wg_<tier>_ffn_combine}
 */
record KernelBindings(
    MemorySegment topK,
    MemorySegment gateWeights,
    MemorySegment route,
    MemorySegment routeExtras,
    MemorySegment decay,
    MemorySegment widen,
    MemorySegment narrow,
    MemorySegment up,
    MemorySegment down,
    MemorySegment combine) {

  // Critical: well under a microsecond, never calls back. Conversions and feed-forward parts may
  // run for much longer and must not hold off a safepoint.
  private static final MethodHandle TOP_K =
      handle(
          FunctionDescriptor.of(
              JAVA_INT,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_FLOAT,
              JAVA_LONG,
              JAVA_INT,
              JAVA_LONG),
          Linker.Option.critical(false));
  private static final MethodHandle GATE_WEIGHTS =
      handle(
          FunctionDescriptor.of(
              JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG),
          Linker.Option.critical(false));
  private static final MethodHandle ROUTE =
      handle(
          FunctionDescriptor.of(
              JAVA_INT,
              JAVA_LONG,
              JAVA_FLOAT,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG),
          Linker.Option.critical(false));
  private static final MethodHandle ROUTE_EXTRAS =
      handle(
          FunctionDescriptor.of(
              JAVA_INT,
              JAVA_LONG,
              JAVA_FLOAT,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG,
              JAVA_LONG),
          Linker.Option.critical(false));
  private static final MethodHandle DECAY =
      handle(
          FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_FLOAT),
          Linker.Option.critical(false));
  private static final MethodHandle CONVERT =
      handle(FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FFN = handle(FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG));
  private static final MethodHandle TEXT = handle(FunctionDescriptor.of(ADDRESS, JAVA_INT));

  private static final long MAX_TEXT = 256;

  /** Finds the functions; {@link java.util.NoSuchElementException} if one is missing. */
  static KernelBindings find(SymbolLookup library, Tier tier) {
    String prefix = prefix(tier.base());
    return new KernelBindings(
        library.findOrThrow(prefix + "topk"),
        library.findOrThrow(prefix + "gate_weights"),
        library.findOrThrow(prefix + "route"),
        library.findOrThrow(prefix + "route_extras"),
        library.findOrThrow(prefix + "decay"),
        library.findOrThrow(prefix + "widen"),
        library.findOrThrow(prefix + "narrow"),
        library.findOrThrow(prefix(tier) + "ffn_up"),
        library.findOrThrow(prefix(tier) + "ffn_down"),
        library.findOrThrow(prefix + "ffn_combine"));
  }

  private static String prefix(Tier tier) {
    return "wg_" + tier.name().toLowerCase(Locale.ROOT) + "_";
  }

  /** {@code const char* wg_kernel_caps(int32_t tier)}: what the machine lacks, or an empty text. */
  static String caps(SymbolLookup library, Tier tier) {
    MemorySegment function = library.findOrThrow("wg_kernel_caps");
    try {
      MemorySegment text = (MemorySegment) TEXT.invokeExact(function, code(tier));
      // Safe: the function returns a constant of the library, ended by 0, and the library stays.
      return text.reinterpret(MAX_TEXT).getString(0);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  int callTopK(
      long logits, long experts, long residents, float bias, long k, int higherId, long ids) {
    try {
      return (int) TOP_K.invokeExact(topK, logits, experts, residents, bias, k, higherId, ids);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  int callGateWeights(long logits, long experts, long ids, long k, int all, long weights) {
    try {
      return (int) GATE_WEIGHTS.invokeExact(gateWeights, logits, experts, ids, k, all, weights);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  int callRoute(
      long plan, float lambda, long logits, long tokens, long residents, long ids, long weights) {
    try {
      return (int) ROUTE.invokeExact(route, plan, lambda, logits, tokens, residents, ids, weights);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  int callRouteExtras(
      long plan,
      float lambda,
      long logits,
      long tokens,
      long residents,
      long ids,
      long weights,
      long displaced,
      long kept,
      long misses) {
    try {
      return (int)
          ROUTE_EXTRAS.invokeExact(
              routeExtras,
              plan,
              lambda,
              logits,
              tokens,
              residents,
              ids,
              weights,
              displaced,
              kept,
              misses);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  void callDecay(long values, long count, float factor) {
    try {
      DECAY.invokeExact(decay, values, count, factor);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  void callConvert(MemorySegment function, long from, long to, long count) {
    try {
      CONVERT.invokeExact(function, from, to, count);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  void callFfn(MemorySegment function, long batch, long part) {
    try {
      FFN.invokeExact(function, batch, part);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** The number of {@code WG_TIER_<tier>}. */
  private static int code(Tier tier) {
    return switch (tier) {
      case SCALAR -> 0;
      case NEON -> 1;
      case AVX2 -> 2;
      case AVX512 -> 3;
      case NEON_DOTPROD -> 4;
      case AVX2_VNNI -> 5;
      case AVX512_VNNI -> 6;
    };
  }

  private static MethodHandle handle(FunctionDescriptor signature, Linker.Option... options) {
    return Linker.nativeLinker().downcallHandle(signature, options);
  }

  private static AssertionError unexpected(Throwable t) {
    return new AssertionError("C functions don't throw", t);
  }
}
