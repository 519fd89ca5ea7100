package dev.warmgate.onnx;

import java.util.List;

/**
 * The shapes that a {@code QMoE}'s scales and zero points have.
 *
 * <p>Where a block is as long as a row of the first matrix, or longer, ONNX Runtime takes both
 * matrices for row-wise.
 *
 * @param block weights along a row that share a scale; 0 if the whole row does
 * @param packing weights in a byte
 */
record Scaling(long block, int packing) {

  /**
   * Of a node.
   *
   * @param blockSize the attribute, 0 if it is absent
   * @param hidden columns of the first matrix
   */
  Scaling(long blockSize, long hidden, int packing) {
    this(blockSize >= hidden ? 0 : blockSize, packing);
  }

  /** Shapes that are allowed for the scales of a matrix, the usual one first. */
  List<List<Long>> scales(long experts, long rows, long columns) {
    return block == 0
        ? List.of(List.of(experts, rows), List.of(experts, rows, 1L))
        : List.of(List.of(experts, rows, Math.ceilDiv(columns, block)));
  }

  /** The shape of the zero points of a matrix. */
  List<Long> zeroPoints(long experts, long rows, long columns) {
    return block == 0
        ? List.of(experts, Math.ceilDiv(rows, (long) packing))
        : List.of(experts, rows, Math.ceilDiv(Math.ceilDiv(columns, block), (long) packing));
  }

  /**
   * Whether ONNX Runtime asks for block-wise zero points of a matrix and reads them as row-wise,
   * which makes a difference where several are in a byte.
   */
  boolean misread(long columns) {
    return block > 0 && block >= columns && packing > 1;
  }
}
