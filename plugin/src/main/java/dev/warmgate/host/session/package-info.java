/**
 * Sessions of ONNX Runtime for hosts that deal in memory, not in Java's tensors: any element type,
 * strings as bytes, inputs read where the host has them, outputs written where it wants them.
 *
 * <p>Reading order: {@link dev.warmgate.host.session.Session}, which runs a model; {@link
 * dev.warmgate.host.session.Tensor}, its values; {@code SessionApi}, the C functions.
 *
 * <p>Invariants: a tensor over the host's memory never outlives the call that it was made for;
 * every C object is released by the object that made it; sessions are made with the copy of ONNX
 * Runtime that the provider is registered with.
 *
 * <p>Threading: a session may be run by many threads; a tensor belongs to one call; {@link
 * dev.warmgate.host.session.RunControl} may be told to stop from any thread.
 */
package dev.warmgate.host.session;
