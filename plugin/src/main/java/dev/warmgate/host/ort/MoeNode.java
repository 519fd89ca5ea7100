package dev.warmgate.host.ort;

import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Precision;
import dev.warmgate.kernels.RealType;
import dev.warmgate.kernels.WeightFormat;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.ExpertLayout;
import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.MoeActivation;
import dev.warmgate.onnx.RefusedNodeException;
import dev.warmgate.routing.GateRule;
import java.util.Optional;

/**
 * A {@code com.microsoft::MoE} or {@code QMoE} node that can be served, as ONNX Runtime's graph has
 * it.
 *
 * @param name of the node
 * @param shape of its experts
 * @param rule of its routing
 * @param values what hidden states, gate logits, combine weights and results are
 * @param layout what it says of its experts
 * @param graph the node itself
 */
record MoeNode(
    String name,
    FfnShape shape,
    GateRule rule,
    RealType values,
    ExpertLayout layout,
    GraphNode graph) {

  /** A node that ONNX Runtime is to keep, and why. */
  static final class UnsupportedNodeException extends Exception {
    private static final long serialVersionUID = 1L;

    UnsupportedNodeException(String reason, Throwable cause) {
      super(reason, cause);
    }
  }

  /**
   * Reads a node.
   *
   * @throws UnsupportedNodeException if it can't be served
   * @throws IllegalArgumentException if nobody can serve it; the message names the node
   */
  static MoeNode read(OrtApi api, long node, Precision precision) throws UnsupportedNodeException {
    String name = api.nodeName(node);
    var graph = new GraphNode(api, node);
    try {
      ExpertLayout layout = ExpertLayout.read(graph);
      MoeActivation activation = layout.activation();
      var shape =
          new FfnShape(
              layout.hidden(),
              layout.inner(),
              activation(activation),
              activation.alpha(),
              activation.beta(),
              activation.limit(),
              format(layout),
              precision);
      RealType values = type(graph.input(ExpertLayout.HIDDEN_STATES).orElseThrow().type());
      return new MoeNode(name, shape, rule(graph, layout), values, layout, graph);
    } catch (RefusedNodeException e) {
      if (e.isMalformed()) {
        throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
      }
      throw new UnsupportedNodeException(e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new UnsupportedNodeException(e.getMessage(), e);
    }
  }

  /** The {@code OrtValueInfo} of a part of the experts; 0 if they don't have it. */
  long part(Role role) {
    return layout.input(role).map(graph::valueInfo).orElse(0L);
  }

  private static GateRule rule(GraphNode node, ExpertLayout layout) {
    GateRule rule =
        node.quantised()
            ? GateRule.qmoe(layout.experts(), layout.topK())
            : GateRule.moe(layout.experts(), layout.topK(), layout.normalize());
    return layout.routerWeights() ? rule.withGivenWeights(layout.normalize()) : rule;
  }

  private static Activation activation(MoeActivation activation) {
    return switch (activation.type()) {
      case "relu" -> Activation.RELU;
      case "gelu" -> Activation.GELU;
      case "silu" -> Activation.SILU;
      case "identity" -> Activation.IDENTITY;
      case "swiglu" ->
          activation.fusion() == 1 ? Activation.SWIGLU_INTERLEAVED : Activation.SWIGLU_HALVES;
      default -> throw new IllegalArgumentException("activation_type is " + activation.type());
    };
  }

  private static WeightFormat format(ExpertLayout layout) {
    Optional<ElementType> scales = layout.format().scales();
    if (scales.isEmpty()) {
      return new WeightFormat.Real(type(layout.format().storage()));
    }
    return new WeightFormat.Quantised(
        layout.format().bits(),
        layout.format().block(),
        type(scales.get()),
        type(layout.format().biases().orElse(ElementType.FLOAT)));
  }

  private static RealType type(ElementType type) {
    return switch (type) {
      case FLOAT -> RealType.FP32;
      case FLOAT16 -> RealType.FP16;
      default -> throw new IllegalArgumentException("something is of type " + type.text());
    };
  }
}
