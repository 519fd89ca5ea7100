package dev.warmgate.onnx;

import java.util.List;

/**
 * An input or output of a graph.
 *
 * @param name the value's name
 * @param type element type; {@link ElementType#UNKNOWN} if it isn't a tensor
 * @param dims dimensions; empty for scalars and where the model gives no shape
 */
public record GraphValue(String name, ElementType type, List<Dim> dims) {
  public GraphValue {
    dims = List.copyOf(dims);
  }

  /** One dimension of a value. */
  public sealed interface Dim {}

  /** A dimension with a size. */
  public record Fixed(long size) implements Dim {}

  /** A dimension that the caller chooses; equal names have equal sizes. Empty: no name given. */
  public record Symbolic(String name) implements Dim {}
}
