/**
 * A model larger than memory, side by side: ONNX Runtime alone and with Warmgate, each in a process
 * whose memory a control group bounds, page cache included.
 *
 * <p>Model and routing are made for it: {@link dev.warmgate.benchmarks.memory.DecoderWriter} writes
 * an ordinary decoder's MoE part, {@link dev.warmgate.benchmarks.memory.Routes} are those of a
 * recorded trace or made up to be like one, and {@link
 * dev.warmgate.benchmarks.memory.ResidualStream} makes inputs for which the model's own gates
 * select just so. All engines run the same tokens.
 *
 * <p>Nothing here is shared by threads.
 */
package dev.warmgate.benchmarks.memory;
