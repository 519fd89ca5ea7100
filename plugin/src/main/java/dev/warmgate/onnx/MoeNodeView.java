package dev.warmgate.onnx;

import java.util.Optional;

/**
 * A {@code MoE} or {@code QMoE} node as seen by whoever knows it: the reader of a model's file, or
 * a host that has the graph in memory.
 */
public interface MoeNodeView {
  /** Whether the operator is {@code QMoE}. */
  boolean quantised();

  /** An integer attribute, or {@code absent} if there is none of that name and kind. */
  long intAttribute(String name, long absent);

  /** A float attribute, or {@code absent} if there is none of that name and kind. */
  float realAttribute(String name, float absent);

  /** A string attribute, or {@code absent} if there is none of that name and kind. */
  String textAttribute(String name, String absent);

  /** Input {@code index}; empty if it is left out. */
  Optional<Operand> input(int index);
}
