/**
 * Who computes what: selections of experts made from gate logits and residency.
 *
 * <p>Invariants: the combine weights always come from the original logits, by the operator's own
 * rule; an expert is chosen at most once for a token; nothing here allocates, locks or reads files
 * once its buffers have grown to the size of a call.
 *
 * <p>Threading: a router is immutable and shared; a {@link dev.warmgate.routing.Selection} belongs
 * to one thread at a time.
 */
package dev.warmgate.routing;
