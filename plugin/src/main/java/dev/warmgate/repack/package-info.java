/**
 * Makes of a model an expert store, and beside it a slim model, or an adapted one whose MoE nodes
 * are custom ops.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>The output folder appears whole, by one rename, after all that is in it is on the disk; or
 *       not at all. Until then everything is in a folder beside it, whose name ends in {@code
 *       .partial}.
 *   <li>The source is only read. If it changes meanwhile, there is no output.
 *   <li>Memory doesn't grow with the weights: they go through one buffer.
 * </ul>
 *
 * <p>Threading: a repack runs on the thread that asked for it.
 */
package dev.warmgate.repack;
