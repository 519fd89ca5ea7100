package dev.warmgate.kernels;

import java.lang.foreign.MemorySegment;

/**
 * All kernels of one tier. Stateless; any thread may call.
 *
 * <p>Memory comes as {@link MemorySegment}s in native byte order, at any byte address; the native
 * tiers want native segments, the scalar tier takes any. It must stay alive and unclosed until the
 * call returns: native code gets plain addresses. A segment that is too small, is on the heap of a
 * native tier, is read-only where results go or was closed gives an {@link
 * IllegalArgumentException}.
 */
public sealed interface Kernels permits ScalarKernels, NativeKernels {

  /** Whether a tier runs here. Loads the native library on the first call. */
  static Availability availability(Tier tier) {
    return KernelRegistry.availability(tier);
  }

  /**
   * The kernels of a tier.
   *
   * @throws IllegalStateException with the reason, if it isn't available
   */
  static Kernels of(Tier tier) {
    return KernelRegistry.of(tier);
  }

  /** The tier that runs. */
  Tier tier();

  /**
   * Chooses the k best experts: highest score first, equal scores by {@code ties}. A score is the
   * logit, plus {@code bias} where the expert is resident, added in float. An expert whose score is
   * NaN or −∞ is never chosen. All tiers choose the same.
   *
   * @param logits {@code f32[experts]}
   * @param experts how many, ≥ 0
   * @param residents bit set of u64 words (bit e of the set = expert e), {@code ⌈experts/64⌉}
   *     words; or {@link MemorySegment#NULL} for none
   * @param bias finite
   * @param k how many to choose, ≥ 0
   * @param ties which of two equal scores goes first
   * @param ids out: {@code i32[k]}, −1 beyond the returned count
   * @return how many were chosen
   */
  int topK(
      MemorySegment logits,
      int experts,
      MemorySegment residents,
      float bias,
      int k,
      Ties ties,
      MemorySegment ids);

  /**
   * The combine weights of the chosen experts: {@code exp(z_id) / Σ exp(z)}. A NaN or −∞ logit
   * counts as nothing: weight 0, and no share in the sum. Logits of +∞ share the weight equally.
   *
   * @param logits {@code f32[experts]}, the original ones
   * @param experts how many
   * @param ids {@code i32[k]}; −1 where nothing was chosen
   * @param k how many
   * @param over what the sum runs over
   * @param weights out: {@code f32[k]}, 0 where the id is −1
   * @throws IllegalArgumentException if an id is outside −1..experts−1; weights are then
   *     unspecified
   */
  void gateWeights(
      MemorySegment logits,
      int experts,
      MemorySegment ids,
      int k,
      Denominator over,
      MemorySegment weights);

  /**
   * Routes tokens: chooses k experts for each and computes their combine weights.
   *
   * <p>z is a token's logits, NaN read as −∞. A is the model's own choice: the k best of z, equal
   * ones by the plan's ties. The route S is the k best by score; equal scores go by z, then by the
   * plan's ties. The score of expert e, where m is 1 if it is resident and 0 if not:
   *
   * <ul>
   *   <li>{@code LOSSLESS}: z. S is A.
   *   <li>{@code ADDITIVE}: {@code z + λ·m}.
   *   <li>{@code CACHE_PRIOR}: {@code z + λ·Δ·m}, with m = 1 also for the {@code keepTop} best of
   *       z. Δ is the plan's running range. Before each token it learns the token's range r, the
   *       largest less the least of the logits above −3e38 (exporters use less as a mask) and below
   *       +∞: {@code Δ = r} if Δ is 0, else {@code Δ += rangeRate·(r − Δ)}.
   *   <li>{@code MAX_RANK}: 2 for the {@code keepTop} best of z, 1 for the residents among the
   *       {@code maxRank} best of z, 0 for the others.
   * </ul>
   *
   * <p>With λ = 0, or if all of A is resident, {@code ADDITIVE} and {@code CACHE_PRIOR} give A with
   * the same bits as {@code LOSSLESS}. An expert whose logit is NaN or −∞ is never chosen. S is
   * written in falling order of z. Weights are {@code exp(z) / Σ exp(z)} of the original logits, as
   * {@link #gateWeights} has them. All tiers choose the same; weights agree within rounding. No
   * buffer that is written may overlap another.
   *
   * @param plan experts, k, rules; its Δ is updated
   * @param lambda λ ≥ 0, finite; {@code LOSSLESS} and {@code MAX_RANK} ignore it
   * @param logits {@code f32[T,E]}
   * @param tokens T ≥ 0
   * @param residents bit set of u64 words as for {@link #topK}, or {@link MemorySegment#NULL} if
   *     none is resident
   * @param ids out: {@code i32[T·k]}, −1 beyond the experts that can be chosen
   * @param weights out: {@code f32[T·k]}, 0 where the id is −1
   * @param extras what else is wanted
   * @return −1, or the first token that no expert can be chosen for; what is written for it and
   *     later tokens is unspecified
   */
  int route(
      RoutePlan plan,
      float lambda,
      MemorySegment logits,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras);

  /**
   * {@code values[i] *= factor}, equal to the bit in all tiers.
   *
   * @param values {@code f32[count]}
   * @param count how many
   * @param factor what to multiply with
   */
  void decay(MemorySegment values, int count, float factor);

  /**
   * Widens fp16 to fp32, exactly; a NaN stays one.
   *
   * @param halves {@code f16[count]}
   * @param floats out: {@code f32[count]}
   * @param count how many
   */
  void widen(MemorySegment halves, MemorySegment floats, long count);

  /**
   * Rounds fp32 to fp16, to the nearest, ties to even; what is too large becomes an infinity.
   *
   * @param floats {@code f32[count]}
   * @param halves out: {@code f16[count]}
   * @param count how many
   */
  void narrow(MemorySegment floats, MemorySegment halves, long count);

  /**
   * One part of a step of the batch. Different parts may run on different threads at once; all
   * parts of a step must be done before the next step begins.
   *
   * @param step which
   * @param batch filled by {@link FfnBatch#begin} and {@link FfnBatch#add}
   * @param part {@code 0 <= part < batch.parts()}
   */
  void run(Step step, FfnBatch batch, int part);

  /**
   * Address of a C function {@code void f(void* batchArgument, size_t part)} that does {@code
   * run(step, batch, part)}, for thread pools of a native host; {@link MemorySegment#NULL} for the
   * scalar tier. The host passes {@link FfnBatch#argument()} and keeps the batch open meanwhile.
   */
  MemorySegment function(Step step);
}
