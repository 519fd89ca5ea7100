package dev.warmgate.host.ort;

import dev.warmgate.host.ort.OrtApi.TensorType;
import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.routing.GateRule;
import java.util.Arrays;
import java.util.List;

/**
 * A {@code com.microsoft::MoE} node that can be served, as ONNX Runtime's graph has it.
 *
 * @param name of the node
 * @param shape of its experts
 * @param rule of its routing
 * @param fc1 its {@code OrtValueInfo}; these are valid during the upcall that the node came with
 * @param bias1 0 if absent
 * @param fc2 the second matrix
 * @param bias2 0 if absent
 */
record MoeNode(
    String name, FfnShape shape, GateRule rule, long fc1, long bias1, long fc2, long bias2) {

  /** A node that ONNX Runtime is to keep, and why. */
  static final class UnsupportedNodeException extends Exception {
    private static final long serialVersionUID = 1L;

    UnsupportedNodeException(String reason) {
      super(reason);
    }
  }

  /**
   * Reads a node.
   *
   * @throws UnsupportedNodeException if it can't be served
   * @throws IllegalArgumentException if nobody can serve it
   */
  static MoeNode read(OrtApi api, long node) throws UnsupportedNodeException {
    requireLimit(api, node);
    long[] inputs = Arrays.copyOf(api.nodeInputs(node), 8);
    require(inputs[6] == 0 && inputs[7] == 0, "it has a third matrix (fc3)");
    TensorType hidden = type(api, inputs[0], "its hidden states");
    require(hidden.elementType() == OrtApi.FLOAT, "its hidden states are not fp32");
    List<Long> fc1 = weights(api, inputs[2], "fc1", 3);
    List<Long> fc2 = weights(api, inputs[4], "fc2", 3);
    Activation activation = activation(api, node);
    long experts = fc2.get(0);
    long inner = fc2.get(2);
    long rows = activation.gated() ? 2 * inner : inner;
    require(
        fc1.equals(List.of(experts, rows, fc2.get(1))),
        "fc1 is %s and fc2 is %s".formatted(fc1, fc2));
    List<Long> hiddenDims = hidden.dimensions();
    // An older order of dimensions, [E, in, out], can look like this one where H and I are swapped.
    require(
        hiddenDims.isEmpty() || hiddenDims.getLast() < 0 || hiddenDims.getLast().equals(fc2.get(1)),
        "fc2 is %s for hidden states of size %s".formatted(fc2, hiddenDims));
    requireBias(api, inputs[3], "fc1 bias", experts, rows);
    requireBias(api, inputs[5], "fc2 bias", experts, fc2.get(1));
    try {
      FfnShape shape =
          new FfnShape(
              Math.toIntExact(fc2.get(1)),
              Math.toIntExact(inner),
              activation,
              (float) api.floatAttribute(node, "activation_alpha").orElse(1),
              (float) api.floatAttribute(node, "activation_beta").orElse(0),
              (float) api.floatAttribute(node, "swiglu_limit").orElse(Double.POSITIVE_INFINITY));
      GateRule rule =
          GateRule.moe(
              Math.toIntExact(experts),
              Math.toIntExact(api.intAttribute(node, "k").orElse(1)),
              api.intAttribute(node, "normalize_routing_weights").orElse(0) == 1);
      return new MoeNode(
          api.nodeName(node), shape, rule, inputs[2], inputs[3], inputs[4], inputs[5]);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new UnsupportedNodeException(e.getMessage());
    }
  }

  /** ONNX Runtime's own kernel would end the process when it runs, so the node isn't left to it. */
  private static void requireLimit(OrtApi api, long node) {
    double limit = api.floatAttribute(node, "swiglu_limit").orElse(Double.POSITIVE_INFINITY);
    if (limit < 0) {
      throw new IllegalArgumentException(
          "%s: swiglu_limit is %s".formatted(api.nodeName(node), limit));
    }
  }

  private static Activation activation(OrtApi api, long node) throws UnsupportedNodeException {
    String type = api.stringAttribute(node, "activation_type").orElse("relu");
    return switch (type) {
      case "relu" -> Activation.RELU;
      case "gelu" -> Activation.GELU;
      case "silu" -> Activation.SILU;
      case "identity" -> Activation.IDENTITY;
      case "swiglu" -> swiglu(api.intAttribute(node, "swiglu_fusion").orElse(0));
      default -> throw new UnsupportedNodeException("activation_type is '%s'".formatted(type));
    };
  }

  private static Activation swiglu(long fusion) throws UnsupportedNodeException {
    return switch ((int) fusion) {
      case 1 -> Activation.SWIGLU_INTERLEAVED;
      case 2 -> Activation.SWIGLU_HALVES;
      default -> throw new UnsupportedNodeException("swiglu_fusion is " + fusion);
    };
  }

  private static void requireBias(OrtApi api, long bias, String what, long experts, long columns)
      throws UnsupportedNodeException {
    if (bias != 0) {
      List<Long> dims = weights(api, bias, what, 2);
      require(dims.equals(List.of(experts, columns)), "%s is %s".formatted(what, dims));
    }
  }

  private static List<Long> weights(OrtApi api, long value, String what, int rank)
      throws UnsupportedNodeException {
    require(value != 0, what + " is missing");
    require(api.isConstant(value), what + " is not constant");
    TensorType type = type(api, value, what);
    require(type.elementType() == OrtApi.FLOAT, what + " is not fp32");
    List<Long> dims = type.dimensions();
    require(
        dims.size() == rank && dims.stream().allMatch(d -> d > 0 && d < 1L << 31),
        "%s is %s".formatted(what, dims));
    return dims;
  }

  private static TensorType type(OrtApi api, long value, String what)
      throws UnsupportedNodeException {
    return api.tensorType(value)
        .orElseThrow(() -> new UnsupportedNodeException(what + " are of no known type"));
  }

  private static void require(boolean condition, String reason) throws UnsupportedNodeException {
    if (!condition) {
      throw new UnsupportedNodeException(reason);
    }
  }
}
