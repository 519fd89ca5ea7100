package dev.warmgate.host.ort;

import dev.warmgate.expert.LayerSpec;
import dev.warmgate.expert.MatrixPlace;
import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Precision;
import dev.warmgate.kernels.RealType;
import dev.warmgate.kernels.WeightFormat;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.ExpertLayout;
import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.MoeActivation;
import dev.warmgate.onnx.MoeNodeView;
import dev.warmgate.onnx.RefusedNodeException;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.util.Optional;

/**
 * What a MoE node says, in the terms of those who compute it.
 *
 * @param shape of its experts
 * @param rule of its routing
 * @param values what hidden states, gate logits, combine weights and results are
 * @param layout what it says of its experts
 */
record LayerForm(FfnShape shape, GateRule rule, RealType values, ExpertLayout layout) {

  /** Says where a part of the experts is. */
  @FunctionalInterface
  interface Places {
    /** Empty if experts don't have that part. */
    Optional<FileRegion> find(Role role) throws IOException;
  }

  /**
   * Reads a node.
   *
   * @throws RefusedNodeException if it can't be served
   * @throws IllegalArgumentException for the same reason
   */
  static LayerForm read(MoeNodeView node, Precision precision) throws RefusedNodeException {
    ExpertLayout layout = ExpertLayout.read(node);
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
    RealType values = type(node.input(ExpertLayout.HIDDEN_STATES).orElseThrow().type());
    return new LayerForm(shape, rule(node, layout), values, layout);
  }

  /**
   * The layer, once it is known where its experts are.
   *
   * @param name of the node
   */
  LayerSpec spec(String name, Places places) throws IOException {
    return new LayerSpec(
        name,
        shape,
        rule,
        values,
        new MatrixPlace(
            places.find(Role.FC1_WEIGHTS).orElseThrow(),
            places.find(Role.FC1_SCALES),
            places.find(Role.FC1_ZERO_POINTS),
            places.find(Role.FC1_BIAS)),
        new MatrixPlace(
            places.find(Role.FC2_WEIGHTS).orElseThrow(),
            places.find(Role.FC2_SCALES),
            places.find(Role.FC2_ZERO_POINTS),
            places.find(Role.FC2_BIAS)));
  }

  private static GateRule rule(MoeNodeView node, ExpertLayout layout) {
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
