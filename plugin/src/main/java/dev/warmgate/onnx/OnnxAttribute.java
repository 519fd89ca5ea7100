package dev.warmgate.onnx;

import java.util.List;

/** The value of a node's attribute. */
public sealed interface OnnxAttribute {
  /** A float. */
  record Real(float value) implements OnnxAttribute {}

  /** An integer. */
  record Int(long value) implements OnnxAttribute {}

  /** A string. */
  record Text(String value) implements OnnxAttribute {}

  /** Integers. */
  record Ints(List<Long> values) implements OnnxAttribute {
    public Ints {
      values = List.copyOf(values);
    }
  }

  /** A tensor, such as the value of a {@code Constant} node. */
  record Tensor(Initializer value) implements OnnxAttribute {}

  /** Subgraphs: one, or several for an attribute that lists them. */
  record Graphs(List<OnnxGraph> values) implements OnnxAttribute {
    public Graphs {
      values = List.copyOf(values);
    }
  }

  /** A kind that nothing here needs. */
  record Other() implements OnnxAttribute {}
}
