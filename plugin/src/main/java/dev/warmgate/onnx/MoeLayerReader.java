package dev.warmgate.onnx;

import dev.warmgate.onnx.ExpertTensor.Role;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Makes a {@link MoeLayer} of a node in a model's file, or says why not. */
final class MoeLayerReader {
  private final Scope scope;
  private final OnnxNode node;

  MoeLayerReader(Scope scope, OnnxNode node) {
    this.scope = scope;
    this.node = node;
  }

  MoeLayer read() throws RefusedNodeException {
    if (AdaptedNode.is(node)) {
      var adapted = new AdaptedNode(node, ElementType.UNKNOWN);
      Path store = store();
      return layer(ExpertLayout.read(adapted), role -> adapted.part(role, store));
    }
    ExpertLayout layout = ExpertLayout.read(new View());
    return layer(
        layout, role -> layout.input(role).flatMap(input -> scope.constant(node.input(input))));
  }

  /** The store of an adapted node. */
  private Path store() throws RefusedNodeException {
    return scope
        .constant(node.input(AdaptedNode.STORE))
        .map(Initializer::location)
        .filter(TensorLocation.External.class::isInstance)
        .map(place -> ((TensorLocation.External) place).file())
        .orElseThrow(() -> RefusedNodeException.malformed("names no expert store"));
  }

  private MoeLayer layer(ExpertLayout layout, Function<Role, Optional<Initializer>> find)
      throws RefusedNodeException {
    List<ExpertTensor> tensors = new ArrayList<>();
    for (ExpertLayout.Part part : layout.parts()) {
      Initializer tensor = find.apply(part.role()).orElseThrow();
      if (tensor.location() instanceof TensorLocation.Encoded(String field)) {
        throw RefusedNodeException.unsupported(
            "%s %s is stored as %s, not as raw bytes"
                .formatted(Shapes.printable(tensor.name()), Shapes.text(tensor.dims()), field));
      }
      tensors.add(new ExpertTensor(part.role(), tensor, tensor.bytes() / tensor.dim(0)));
    }
    return new MoeLayer(
        Shapes.printable(node.label()),
        node.opType(),
        scope.path(),
        layout.experts(),
        layout.topK(),
        layout.hidden(),
        layout.inner(),
        layout.activation(),
        layout.normalize(),
        layout.format(),
        new GateFinder(scope, layout.experts()).find(node.input(ExpertLayout.ROUTER_PROBS)),
        tensors);
  }

  /** The node as the file has it. */
  private final class View extends FileNodeView {
    View() {
      super(MoeLayerReader.this.node);
    }

    @Override
    public Optional<Operand> input(int index) {
      String name = node.input(index);
      if (name.isEmpty()) {
        return Optional.empty();
      }
      return scope
          .constant(name)
          .map(tensor -> new Operand(name, tensor.type(), tensor.dims(), true))
          .or(() -> Optional.of(computed(index, name)));
    }

    private Operand computed(int index, String name) {
      Optional<GraphValue> input =
          scope.graph().inputs().stream().filter(value -> value.name().equals(name)).findFirst();
      Operand known =
          new Operand(
              name,
              input.map(GraphValue::type).orElse(ElementType.UNKNOWN),
              input.map(View::dims).orElse(List.of()),
              false);
      return index == ExpertLayout.HIDDEN_STATES && known.width() < 0
          ? new Operand(name, known.type(), gateWidth(), false)
          : known;
    }

    private static List<Long> dims(GraphValue value) {
      return value.dims().stream()
          .map(dim -> dim instanceof GraphValue.Fixed(long size) ? size : -1L)
          .toList();
    }

    /** Where a gate is computed from the hidden states, it tells how wide they are. */
    private List<Long> gateWidth() {
      long experts =
          scope.constant(node.input(2)).filter(w -> w.rank() > 0).map(w -> w.dim(0)).orElse(0L);
      if (experts > 0
          && experts <= Integer.MAX_VALUE
          && new GateFinder(scope, (int) experts).find(node.input(ExpertLayout.ROUTER_PROBS))
              instanceof Gate.Found gate
          && gate.input().equals(node.input(ExpertLayout.HIDDEN_STATES))) {
        return List.of(gate.width());
      }
      return List.of();
    }
  }
}
