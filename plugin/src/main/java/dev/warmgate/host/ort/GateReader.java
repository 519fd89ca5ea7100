package dev.warmgate.host.ort;

import dev.warmgate.expert.GateMatrix;
import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.GateValues;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.OnnxModel;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The gates of a model's layers, read from its file. ONNX Runtime shows an execution provider only
 * the nodes that it claims, and the gates aren't among them.
 *
 * <p>A gate only serves guesses: what can't be read is left out, and said in the log.
 */
final class GateReader {
  private static final System.Logger LOG = System.getLogger(GateReader.class.getName());

  /** Layers by the name of their first matrix, which no optimiser changes. */
  private final Map<String, MoeLayer> layers = new HashMap<>();

  /** Looks for the layers of a model; of one that came from memory nothing is found. */
  GateReader(ModelFile file) {
    try {
      Optional<OnnxModel> model = file.model();
      if (model.isEmpty()) {
        return;
      }
      for (MoeLayer layer : ModelInspection.of(model.get()).layers()) {
        layer
            .tensor(Role.FC1_WEIGHTS)
            .ifPresent(tensor -> layers.put(tensor.tensor().name(), layer));
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(
          System.Logger.Level.INFO,
          "no gate is known of {0}: {1}",
          file.path().orElseThrow(),
          e.getMessage());
    }
  }

  /**
   * The gate of a layer.
   *
   * @param fc1 name of the layer's first matrix
   */
  Optional<GateMatrix> find(String fc1) {
    MoeLayer layer = layers.get(fc1);
    if (layer == null) {
      return Optional.empty();
    }
    try {
      return GateValues.read(layer)
          .map(
              gate ->
                  new GateMatrix(
                      gate.experts(), gate.hidden(), gate.weights(), gate.bias(), gate.norm()));
    } catch (IOException | RuntimeException e) {
      LOG.log(
          System.Logger.Level.INFO,
          "the gate of {0} can''t be read: {1}",
          layer.name(),
          e.getMessage());
      return Optional.empty();
    }
  }
}
