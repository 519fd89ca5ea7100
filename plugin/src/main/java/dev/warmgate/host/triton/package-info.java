/**
 * The Triton backend: models of ONNX Runtime with Warmgate in Triton's core, by FFM.
 *
 * <p>Reading order: {@code EntryPoints} is what the shim {@code libtriton_warmgate.so} calls; it
 * keeps a {@code Backend}, which opens a {@code ServedModel} for each of Triton's models: an {@code
 * InferenceModel} runs batches of tensors, a {@code GenerationModel} writes text. {@code Core} is
 * Triton's C API.
 *
 * <p>Invariants: no exception escapes an upcall, it becomes a {@code TRITONSERVER_Error}; every
 * request that comes in is answered once and released once, whatever happens; a request that fails
 * doesn't fail others in its batch; native memory of a model is back when the model is finalised.
 *
 * <p>Threading: Triton initialises models side by side, and calls {@code execute} for one instance
 * at a time, for several at once. The instances of a model share its session, and so its expert
 * cache.
 */
package dev.warmgate.host.triton;
