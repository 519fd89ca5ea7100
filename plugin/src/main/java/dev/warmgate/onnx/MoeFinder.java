package dev.warmgate.onnx;

import java.util.ArrayList;
import java.util.List;

/** Goes through a model, bodies of control flow included, and sorts out its MoE nodes. */
final class MoeFinder {
  private final List<MoeLayer> layers = new ArrayList<>();
  private final List<Unsupported> unsupported = new ArrayList<>();

  ModelInspection inspect(OnnxModel model) {
    visit(Scope.main(model));
    for (OnnxGraph function : model.functions()) {
      for (OnnxNode node : function.nodes()) {
        if (isMoe(node)) {
          refuse(
              node, "it is inside the model's own function " + Shapes.printable(function.name()));
        }
      }
    }
    if (layers.isEmpty() && unsupported.isEmpty()) {
      DenseExport.find(Scope.main(model)).ifPresent(unsupported::add);
    }
    return new ModelInspection(layers, unsupported);
  }

  private void visit(Scope scope) {
    for (OnnxNode node : scope.graph().nodes()) {
      if (isMoe(node)) {
        try {
          layers.add(new MoeLayerReader(scope, node).read());
        } catch (RefusedNodeException e) {
          refuse(node, e.getMessage());
        }
      }
      node.attributes()
          .forEach(
              (attribute, value) -> {
                if (value instanceof OnnxAttribute.Graphs(List<OnnxGraph> bodies)) {
                  bodies.forEach(body -> visit(scope.body(node, attribute, body)));
                }
              });
    }
  }

  private void refuse(OnnxNode node, String reason) {
    unsupported.add(new Unsupported(Shapes.printable(node.label()), reason));
  }

  private static boolean isMoe(OnnxNode node) {
    return node.is("com.microsoft", "MoE")
        || node.is("com.microsoft", "QMoE")
        || AdaptedNode.is(node);
  }
}
