package dev.warmgate.onnx;

import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.OperatorSetIdProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * How the graph of an adapted model differs from the original's: its MoE nodes are {@link
 * AdaptedNode}s, which share one more initializer, the first bytes of the store.
 */
public final class Adaptation {
  private static final String STORE_VALUE = "warmgate.store";

  private final Map<Integer, UnaryOperator<NodeProto>> nodes = new HashMap<>();
  private final String storeFile;
  private final String storeValue;

  /**
   * An adaptation.
   *
   * @param graph the original's main graph
   * @param layers of it that are in the store, in the store's order
   * @param storeFile relative to the model's folder
   */
  public Adaptation(OnnxGraph graph, List<MoeLayer> layers, String storeFile, long storeId) {
    this.storeFile = storeFile;
    this.storeValue = unused(graph);
    Map<String, Integer> numbers = new HashMap<>();
    for (int i = 0; i < graph.nodes().size(); i++) {
      for (String input : graph.nodes().get(i).inputs()) {
        // Weights of these layers have no other use.
        numbers.put(input, i);
      }
    }
    int tensor = 0;
    for (MoeLayer layer : layers) {
      int first = tensor;
      String weights = layer.tensor(Role.FC1_WEIGHTS).orElseThrow().tensor().name();
      nodes.put(
          numbers.get(weights),
          original -> AdaptedNode.of(original, layer, first, storeFile, storeId, storeValue));
      tensor += layer.tensors().size();
    }
  }

  private static String unused(OnnxGraph graph) {
    String name = STORE_VALUE;
    while (isUsed(graph, name)) {
      name += "_";
    }
    return name;
  }

  private static boolean isUsed(OnnxGraph graph, String name) {
    return graph.initializers().containsKey(name)
        || graph.inputs().stream().anyMatch(input -> input.name().equals(name))
        || graph.nodes().stream().anyMatch(node -> node.outputs().contains(name));
  }

  /** What becomes of some nodes of the main graph, by their number. */
  Map<Integer, UnaryOperator<NodeProto>> nodes() {
    return nodes;
  }

  /** What the main graph has more. */
  GraphProto graphAdditions() {
    TensorProto store =
        ModelCopy.external(
            storeValue,
            ElementType.UINT8,
            List.of((long) AdaptedNode.STORE_BYTES),
            AdaptedNode.STORE_BYTES,
            new ModelCopy.NewPlace(storeFile, 0));
    return GraphProto.newBuilder().addInitializer(store).build();
  }

  /** What the model has more. */
  ModelProto modelAdditions() {
    return ModelProto.newBuilder()
        .addOpsetImport(
            OperatorSetIdProto.newBuilder()
                .setDomain(AdaptedNode.DOMAIN)
                .setVersion(AdaptedNode.VERSION))
        .build();
  }
}
