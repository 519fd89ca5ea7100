/**
 * The kernels: choosing experts, their combine weights, affinity decay, and the experts'
 * feed-forward computation, in one implementation a {@linkplain dev.warmgate.kernels.Tier tier}.
 *
 * <p>Start at {@link dev.warmgate.kernels.Kernels}. Invariants:
 *
 * <ul>
 *   <li>All tiers mean the same thing. {@code topK} gives equal ids in every tier; the others agree
 *       within rounding, and the scalar tier, which sums in double precision, is the oracle.
 *   <li>Within a tier, an output element has the same bits whatever the split into parts, the other
 *       tokens and experts of the batch, and the order of waves.
 *   <li>Sizes are checked against the segments on entry, indexes where they are handed in. Behind
 *       the checks native code gets plain addresses; it reads and writes no byte outside the
 *       buffers.
 *   <li>Nothing is allocated on the way to a native kernel.
 * </ul>
 *
 * <p>Threads: {@link dev.warmgate.kernels.Kernels} is stateless and may be used from any thread. A
 * {@link dev.warmgate.kernels.FfnBatch} is filled by one thread; its parts may then run on many.
 * Who calls owns the memory and keeps it alive until the call returns.
 */
package dev.warmgate.kernels;
