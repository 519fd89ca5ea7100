package dev.warmgate.onnx;

import java.util.Optional;

/** The matrix that makes a layer's gate logits out of its hidden states. */
public sealed interface Gate {
  /** For people and JSON: the matrix's name, or {@code not found: reason}. */
  String text();

  /**
   * The gate is a matrix in the model.
   *
   * @param op {@code MatMul}, {@code Gemm} or {@code MatMulNBits}
   * @param node the node that multiplies
   * @param input the value that it multiplies
   * @param matrix the matrix; packed integers for {@code MatMulNBits}
   * @param transposed false if it is {@code [hidden, experts]}, true if {@code [experts, hidden]}
   * @param bias what is added to the logits
   * @param scales of the blocks of a {@code MatMulNBits} matrix
   * @param zeroPoints of its blocks, if it has any
   * @param norm by what the normalisation before the gate multiplies, {@code [hidden]}
   */
  record Found(
      String op,
      OnnxNode node,
      String input,
      Initializer matrix,
      boolean transposed,
      Optional<Initializer> bias,
      Optional<Initializer> scales,
      Optional<Initializer> zeroPoints,
      Optional<Initializer> norm)
      implements Gate {
    @Override
    public String text() {
      return matrix.name();
    }

    /** Width of the values that the gate reads. */
    public long width() {
      return op.equals("MatMulNBits") ? node.intAttribute("K", 0) : matrix.dim(transposed ? 1 : 0);
    }
  }

  /**
   * No such matrix was recognised.
   *
   * @param reason where the search ended
   */
  record Missing(String reason) implements Gate {
    @Override
    public String text() {
      return "not found: " + reason;
    }
  }
}
