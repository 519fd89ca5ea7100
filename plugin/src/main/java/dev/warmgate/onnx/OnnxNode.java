package dev.warmgate.onnx;

import java.util.List;
import java.util.Map;

/**
 * A node of a graph.
 *
 * @param name may be empty, models don't have to name nodes
 * @param opType operator
 * @param domain operator set; empty for ONNX's own
 * @param inputs names of values; empty for an optional input that is left out
 * @param outputs names of values; empty for an output that is left out
 * @param attributes by name
 */
public record OnnxNode(
    String name,
    String opType,
    String domain,
    List<String> inputs,
    List<String> outputs,
    Map<String, OnnxAttribute> attributes) {
  public OnnxNode {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    attributes = Map.copyOf(attributes);
  }

  /** Whether this is operator {@code opType} of ONNX's own set. */
  public boolean is(String opType) {
    return is("", opType);
  }

  /** Whether this is operator {@code opType} of {@code domain}. */
  public boolean is(String domain, String opType) {
    String own = this.domain.equals("ai.onnx") ? "" : this.domain;
    return own.equals(domain) && this.opType.equals(opType);
  }

  /** The name of input {@code index}; empty if it is absent. */
  public String input(int index) {
    return index < inputs.size() ? inputs.get(index) : "";
  }

  /** An integer attribute, or {@code absent} if there is none of that name and kind. */
  public long intAttribute(String attribute, long absent) {
    return attributes.get(attribute) instanceof OnnxAttribute.Int(long value) ? value : absent;
  }

  /** A float attribute, or {@code absent} if there is none of that name and kind. */
  public float realAttribute(String attribute, float absent) {
    return attributes.get(attribute) instanceof OnnxAttribute.Real(float value) ? value : absent;
  }

  /** A string attribute, or {@code absent} if there is none of that name and kind. */
  public String textAttribute(String attribute, String absent) {
    return attributes.get(attribute) instanceof OnnxAttribute.Text(String value) ? value : absent;
  }

  /** What to call this node in a message: its name, or else its first output. */
  public String label() {
    if (!name.isEmpty()) {
      return name;
    }
    return opType + " -> " + (outputs.isEmpty() ? "?" : outputs.getFirst());
  }
}
