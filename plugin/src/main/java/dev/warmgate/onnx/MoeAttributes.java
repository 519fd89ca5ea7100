package dev.warmgate.onnx;

import static dev.warmgate.onnx.RefusedNodeException.malformed;
import static dev.warmgate.onnx.RefusedNodeException.unsupported;

import java.util.Set;

/**
 * The attributes of a MoE node. Names and defaults are those of ONNX Runtime's operators; what its
 * CPU kernels refuse is refused here as well, apart from {@code swiglu_fusion=2}.
 */
final class MoeAttributes {
  private static final Set<String> ACTIVATIONS =
      Set.of("relu", "gelu", "silu", "identity", "swiglu");
  private static final int LEAST_BLOCK = 16;

  private final MoeNodeView node;

  MoeAttributes(MoeNodeView node) {
    this.node = node;
  }

  MoeActivation activation() throws RefusedNodeException {
    String type = node.textAttribute("activation_type", "relu");
    if (!ACTIVATIONS.contains(type)) {
      throw unsupported("unknown activation_type '" + Shapes.printable(type) + "'");
    }
    long fusion = node.intAttribute("swiglu_fusion", 0);
    float limit = node.realAttribute("swiglu_limit", Float.POSITIVE_INFINITY);
    if (type.equals("swiglu") && fusion != 1 && fusion != 2) {
      throw unsupported("swiglu_fusion=" + fusion + ": gate and linear part in two matrices");
    }
    if (!(limit >= 0)) {
      // ONNX Runtime's own kernel would end the process when it runs.
      throw malformed("swiglu_limit=" + limit + " is not a limit");
    }
    return new MoeActivation(
        type,
        (int) fusion,
        node.realAttribute("activation_alpha", 1),
        node.realAttribute("activation_beta", 0),
        limit);
  }

  boolean normalize() {
    return node.intAttribute("normalize_routing_weights", 0) == 1;
  }

  int topK(long experts) throws RefusedNodeException {
    long k = node.intAttribute("k", 1);
    if (k < 1 || k > experts) {
      throw malformed("k=" + k + " of " + experts + " experts");
    }
    if (node.intAttribute("use_sparse_mixer", 0) == 1 && k != 2) {
      throw malformed("use_sparse_mixer with k=" + k + ", which must be 2");
    }
    return (int) k;
  }

  /** Weights in a byte of a quantised matrix. */
  int packing() throws RefusedNodeException {
    long bits = node.intAttribute("expert_weight_bits", 4);
    if (bits != 2 && bits != 4 && bits != 8) {
      throw malformed("expert_weight_bits=" + bits);
    }
    return (int) (8 / bits);
  }

  /** Weights along a row that share a scale; 0 if the attribute isn't there. */
  long block() throws RefusedNodeException {
    long block = node.intAttribute("block_size", 0);
    if (block != 0 && (block < LEAST_BLOCK || Long.bitCount(block) != 1)) {
      throw malformed("block_size=" + block);
    }
    return block;
  }

  /** That integers are plain, and lie as the model's exporter has put them. */
  void requirePlainIntegers() throws RefusedNodeException {
    String type = node.textAttribute("quant_type", "int");
    if (!type.equals("int")) {
      throw unsupported("quant_type '" + Shapes.printable(type) + "'");
    }
    if (node.intAttribute("weights_prepacked", 0) > 0) {
      throw unsupported("weights prepacked for another execution provider");
    }
  }
}
