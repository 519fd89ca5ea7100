package dev.warmgate.onnx;

import java.util.Optional;

/** Finds by what constant the normalisation before a layer multiplies its result. */
final class NormFinder {
  private static final int LONGEST_WALK = 8;
  private static final String CONTRIB = "com.microsoft";

  private NormFinder() {}

  /**
   * The scale of the normalisation that a value comes out of.
   *
   * @param value hidden states of width {@code hidden}
   */
  static Optional<Initializer> find(Scope scope, String value, long hidden) {
    String at = value;
    for (int step = 0; step < LONGEST_WALK; step++) {
      Optional<OnnxNode> producer = scope.producer(at);
      if (producer.isEmpty()) {
        return Optional.empty();
      }
      OnnxNode node = producer.get();
      if (!node.outputs().getFirst().equals(at)) {
        // Beside its result, a normalisation may give the sum that it took.
        return Optional.empty();
      }
      int scale = scaleInput(node);
      if (scale > 0) {
        return vector(scope, node.input(scale), hidden);
      }
      if (node.is("Mul")) {
        return vector(scope, node.input(1), hidden).or(() -> vector(scope, node.input(0), hidden));
      }
      if (!(node.is("Reshape") || node.is("Cast") || node.is("Identity"))) {
        return Optional.empty();
      }
      at = node.input(0);
    }
    return Optional.empty();
  }

  /** Which input of a normalisation is its scale; 0 if the node is none. */
  private static int scaleInput(OnnxNode node) {
    if (node.is("LayerNormalization")
        || node.is("RMSNormalization")
        || node.is("SimplifiedLayerNormalization")
        || node.is(CONTRIB, "SimplifiedLayerNormalization")) {
      return 1;
    }
    if (node.is(CONTRIB, "SkipSimplifiedLayerNormalization")
        || node.is(CONTRIB, "SkipLayerNormalization")) {
      return 2;
    }
    return 0;
  }

  private static Optional<Initializer> vector(Scope scope, String name, long hidden) {
    return scope.constant(name).filter(t -> t.rank() == 1 && t.dim(0) == hidden);
  }
}
