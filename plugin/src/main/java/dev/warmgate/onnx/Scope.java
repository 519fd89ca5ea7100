package dev.warmgate.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A graph within the graphs around it, whose values its nodes can use too. */
final class Scope {
  private final OnnxGraph graph;
  private final Scope outer;
  private final List<String> path;
  private final Map<String, OnnxNode> producers = new HashMap<>();
  private final Set<String> inputs = new HashSet<>();
  private final boolean inputsOverride;

  private Scope(OnnxGraph graph, Scope outer, List<String> path, boolean inputsOverride) {
    this.graph = graph;
    this.outer = outer;
    this.path = path;
    this.inputsOverride = inputsOverride;
    graph.inputs().forEach(input -> inputs.add(input.name()));
    for (OnnxNode node : graph.nodes()) {
      node.outputs().forEach(output -> producers.put(output, node));
    }
    producers.remove("");
  }

  /**
   * The main graph. Before IR version 4 an initializer had to be an input too, and was constant.
   */
  static Scope main(OnnxModel model) {
    return new Scope(model.graph(), null, List.of(), model.irVersion() >= 4);
  }

  /** A body of {@code node}, which is in this scope. */
  Scope body(OnnxNode node, String attribute, OnnxGraph body) {
    List<String> inner = new ArrayList<>(path);
    inner.add(Shapes.printable(node.label()) + "." + attribute);
    return new Scope(body, this, List.copyOf(inner), true);
  }

  OnnxGraph graph() {
    return graph;
  }

  /** The control-flow bodies around, outermost first. */
  List<String> path() {
    return path;
  }

  /** The tensor of that name, if its value can never be another. */
  Optional<Initializer> constant(String name) {
    Initializer tensor = graph.initializers().get(name);
    if (tensor != null) {
      return inputsOverride && inputs.contains(name) ? Optional.empty() : Optional.of(tensor);
    }
    return outer == null || known(name) ? Optional.empty() : outer.constant(name);
  }

  /** The node whose output that value is. */
  Optional<OnnxNode> producer(String name) {
    OnnxNode node = producers.get(name);
    if (node != null) {
      return Optional.of(node);
    }
    return outer == null || known(name) ? Optional.empty() : outer.producer(name);
  }

  private boolean known(String name) {
    return producers.containsKey(name)
        || inputs.contains(name)
        || graph.initializers().containsKey(name);
  }
}
