package dev.warmgate.repack;

import dev.warmgate.onnx.ExpertTensor;
import dev.warmgate.onnx.GraphValue;
import dev.warmgate.onnx.Initializer;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.OnnxAttribute;
import dev.warmgate.onnx.OnnxGraph;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.OnnxNode;
import dev.warmgate.onnx.TensorLocation;
import dev.warmgate.onnx.Unsupported;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which layers of a model can be in a store: those that the provider serves, so that nobody else
 * ever needs their weights.
 *
 * @param chosen in the model's order
 * @param left MoE nodes that stay as they are, and why
 */
record Layers(List<MoeLayer> chosen, List<Unsupported> left) {
  /**
   * ONNX Runtime may look into constants below this size, whoever serves them: an optimiser that
   * merges equal ones reads those of up to 8 elements, and it has other thresholds below this one.
   */
  private static final int SMALL_TENSOR_BYTES = 128;

  Layers {
    chosen = List.copyOf(chosen);
    left = List.copyOf(left);
  }

  static Layers of(OnnxModel model) {
    ModelInspection inspection = ModelInspection.of(model);
    Choice choice = new Choice(model.graph());
    List<MoeLayer> chosen = new ArrayList<>();
    List<Unsupported> left = new ArrayList<>(inspection.unsupported());
    for (MoeLayer layer : inspection.layers()) {
      choice
          .objection(layer)
          .ifPresentOrElse(
              reason -> left.add(new Unsupported(layer.name(), reason)), () -> chosen.add(layer));
    }
    return new Layers(chosen, left);
  }

  /** Bytes of all experts. */
  long bytes() {
    return chosen.stream().mapToLong(MoeLayer::bytes).sum();
  }

  long experts() {
    return chosen.stream().mapToLong(MoeLayer::experts).sum();
  }

  /** What the main graph says about its constants. */
  private static final class Choice {
    private final Map<String, Integer> uses = new HashMap<>();
    private final Set<String> computed = new HashSet<>();

    Choice(OnnxGraph graph) {
      graph.inputs().stream().map(GraphValue::name).forEach(computed::add);
      // Constant nodes give values that are initializers by name only.
      graph.nodes().forEach(node -> computed.addAll(node.outputs()));
      count(graph);
    }

    private void count(OnnxGraph graph) {
      graph.outputs().forEach(output -> uses.merge(output.name(), 1, Integer::sum));
      for (OnnxNode node : graph.nodes()) {
        node.inputs().forEach(input -> uses.merge(input, 1, Integer::sum));
        for (OnnxAttribute attribute : node.attributes().values()) {
          if (attribute instanceof OnnxAttribute.Graphs(List<OnnxGraph> bodies)) {
            bodies.forEach(this::count);
          }
        }
      }
    }

    /** Why a layer stays where it is. */
    Optional<String> objection(MoeLayer layer) {
      if (!layer.scope().isEmpty()) {
        return Optional.of("it is inside the subgraph of another node");
      }
      for (ExpertTensor part : layer.tensors()) {
        Initializer tensor = part.tensor();
        if (tensor.location() instanceof TensorLocation.Stored) {
          return Optional.of("it is in an expert store already");
        }
        if (computed.contains(tensor.name())) {
          return Optional.of(tensor.name() + " is no plain initializer");
        }
        if (uses.get(tensor.name()) != 1) {
          return Optional.of(tensor.name() + " is used elsewhere too");
        }
        if (tensor.bytes() < SMALL_TENSOR_BYTES) {
          return Optional.of(tensor.name() + " is so small that ONNX Runtime may read it itself");
        }
      }
      return Optional.empty();
    }
  }
}
