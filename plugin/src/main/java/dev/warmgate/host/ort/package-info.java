/**
 * The ONNX Runtime host: the execution provider, whose C structs and callbacks are made here by
 * FFM.
 *
 * <p>Reading order: {@link dev.warmgate.host.ort.WarmgateProvider} is what a Java host calls;
 * {@code EntryPoints} is what the shim library calls; {@code EpFactory} makes an {@code Ep} for
 * each session, which claims nodes and compiles each to a {@code NodeCompute}. For hosts without
 * plugin providers: {@link dev.warmgate.host.ort.WarmgateCustomOps}, {@code CustomOpDomain}, {@code
 * CustomOp}, and {@code AdaptedModels}, which finds the model of a node. Both ways meet in {@code
 * LayerForm} and {@code LayerKernel}.
 *
 * <p>Invariants: no exception escapes an upcall, it becomes an {@code OrtStatus}; pointers that
 * ONNX Runtime hands over are used only during the call that they came with; every struct and stub
 * lives in the arena of the object that it stands for and is freed in the release callback of that
 * object; those of custom ops live as long as the process, since nobody says when they may go.
 *
 * <p>Threading: ONNX Runtime calls {@code Compute} on any of its threads, several at a time, and
 * everything else for one session at a time.
 */
package dev.warmgate.host.ort;
