package dev.warmgate.onnx;

/**
 * A part of a model that looks like a Mixture of Experts and can't be taken over.
 *
 * @param node the node's name
 * @param reason why, in one line
 */
public record Unsupported(String node, String reason) {}
