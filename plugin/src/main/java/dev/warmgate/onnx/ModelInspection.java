package dev.warmgate.onnx;

import java.util.List;

/**
 * The MoE layers of a model: what {@code inspect} prints.
 *
 * @param layers well-formed layers in the model's order, whatever the format of their weights
 * @param unsupported what was left out, and why
 */
public record ModelInspection(List<MoeLayer> layers, List<Unsupported> unsupported) {
  public ModelInspection {
    layers = List.copyOf(layers);
    unsupported = List.copyOf(unsupported);
  }

  /** Looks for MoE layers in a model. */
  public static ModelInspection of(OnnxModel model) {
    return new MoeFinder().inspect(model);
  }

  /** Bytes of all experts of all layers. */
  public long expertBytesTotal() {
    return layers.stream().mapToLong(MoeLayer::bytes).sum();
  }
}
