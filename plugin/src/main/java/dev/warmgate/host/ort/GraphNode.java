package dev.warmgate.host.ort;

import dev.warmgate.host.ort.OrtApi.TensorType;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.MoeNodeView;
import dev.warmgate.onnx.Operand;
import java.util.Optional;

/** A MoE node as ONNX Runtime's graph has it; valid during the upcall that it came with. */
final class GraphNode implements MoeNodeView {
  private final OrtApi api;
  private final long node;
  private final long[] inputs;

  GraphNode(OrtApi api, long node) {
    this.api = api;
    this.node = node;
    this.inputs = api.nodeInputs(node);
  }

  /** Its {@code OrtValueInfo} of an input; 0 if it is left out. */
  long valueInfo(int input) {
    return input < inputs.length ? inputs[input] : 0;
  }

  @Override
  public boolean quantised() {
    return api.nodeOperatorType(node).equals("QMoE");
  }

  @Override
  public long intAttribute(String name, long absent) {
    return api.intAttribute(node, name).orElse(absent);
  }

  @Override
  public float realAttribute(String name, float absent) {
    return (float) api.floatAttribute(node, name).orElse(absent);
  }

  @Override
  public String textAttribute(String name, String absent) {
    return api.stringAttribute(node, name).orElse(absent);
  }

  @Override
  public Optional<Operand> input(int index) {
    long value = valueInfo(index);
    if (value == 0) {
      return Optional.empty();
    }
    TensorType type = api.tensorType(value).orElse(TensorType.UNKNOWN);
    return Optional.of(
        new Operand(
            api.valueName(value),
            ElementType.of(type.elementType()),
            type.dimensions(),
            api.isConstant(value)));
  }
}
