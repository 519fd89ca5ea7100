package dev.warmgate.onnx;

import java.util.List;

/**
 * A constant tensor of a graph, without its values.
 *
 * @param name unique within its graph
 * @param type element type
 * @param dims dimensions, none negative; their product times the element's size fits a long
 * @param location where the values are
 */
public record Initializer(String name, ElementType type, List<Long> dims, TensorLocation location) {
  public Initializer {
    dims = List.copyOf(dims);
  }

  /** Number of elements. */
  public long elements() {
    long count = 1;
    for (long dim : dims) {
      count *= dim;
    }
    return count;
  }

  /** Bytes of the values; 0 for types without a fixed size. */
  public long bytes() {
    return type.bytes(elements());
  }

  /** Dimension {@code axis}. */
  public long dim(int axis) {
    return dims.get(axis);
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.size();
  }
}
