/**
 * Routing traces: their files, and what a cache would have done with them.
 *
 * <p>A simulation uses the eviction policies, the choice of victims and the predictor of the real
 * cache, without experts, threads or time.
 *
 * <p>Threading: a {@link dev.warmgate.simulate.Trace} is immutable; everything else belongs to one
 * thread.
 */
package dev.warmgate.simulate;
