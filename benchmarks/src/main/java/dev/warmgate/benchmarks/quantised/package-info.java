/**
 * One layer of quantised experts, timed: stock ONNX Runtime in the configurations that may be its
 * best, beside Warmgate in both precisions, each in a process of its own, on the same inputs.
 */
package dev.warmgate.benchmarks.quantised;
