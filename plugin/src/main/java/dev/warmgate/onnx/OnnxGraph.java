package dev.warmgate.onnx;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A graph, or the body of a control-flow node.
 *
 * @param name may be empty
 * @param nodes in the file's order, which is a topological one
 * @param inputs as declared, which may include initializers
 * @param outputs as declared
 * @param initializers constants by name, those of {@code Constant} nodes included
 */
public record OnnxGraph(
    String name,
    List<OnnxNode> nodes,
    List<GraphValue> inputs,
    List<GraphValue> outputs,
    Map<String, Initializer> initializers) {
  public OnnxGraph {
    nodes = List.copyOf(nodes);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    initializers = Collections.unmodifiableMap(new LinkedHashMap<>(initializers));
  }

  /** The inputs that a caller must feed: those that no initializer gives a value. */
  public List<GraphValue> feeds() {
    return inputs.stream().filter(input -> !initializers.containsKey(input.name())).toList();
  }
}
