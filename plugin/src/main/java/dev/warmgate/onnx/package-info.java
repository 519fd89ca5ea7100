/**
 * Reads ONNX files without loading their weights, and finds the Mixture-of-Experts layers in them.
 *
 * <p>A model is streamed once. Of a tensor only its name, type, dimensions and place (file, offset,
 * length) are kept, so that a file of any size costs memory in proportion to its graph. Everything
 * a file says is checked before it is believed: a place that {@link
 * dev.warmgate.onnx.TensorLocation} names lies inside a file that exists and is long enough, and
 * its length is what the type and the dimensions ask for; only what lies in an expert store is for
 * the store's reader to find. Bad files end in a {@link dev.warmgate.onnx.ModelException} of one
 * line.
 *
 * <p>All types are immutable and may be shared between threads. The package knows no other package
 * of the plugin.
 */
package dev.warmgate.onnx;
