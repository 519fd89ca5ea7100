package dev.warmgate.onnx;

import java.util.List;

/**
 * What is known of a node's input without its values.
 *
 * @param name of the value, made fit for a message
 * @param type of its elements; {@link ElementType#UNKNOWN} if nothing tells
 * @param dims −1 where a dimension isn't fixed; empty if nothing tells
 * @param constant whether its value can never be another; type and dimensions are known then
 */
public record Operand(String name, ElementType type, List<Long> dims, boolean constant) {
  public Operand {
    name = Shapes.printable(name);
    dims = List.copyOf(dims);
  }

  /** The last dimension; −1 if it isn't known. */
  long width() {
    return dims.isEmpty() ? -1 : dims.getLast();
  }

  /** {@code fc1.scales [8,64]}. */
  String text() {
    return name + " " + Shapes.text(dims);
  }
}
