/**
 * One layer of experts, timed: stock ONNX Runtime in the configurations that may be its best,
 * beside Warmgate, each in a process of its own, on the same inputs. The experts are int4, for
 * which Warmgate has two precisions, or fp32.
 *
 * <p>Nothing here is shared by threads.
 */
package dev.warmgate.benchmarks.quantised;
