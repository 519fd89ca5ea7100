package dev.warmgate.onnx;

import java.util.Optional;

/**
 * How the experts' matrices are stored.
 *
 * @param storage element type of the tensors
 * @param bits bits of one weight
 * @param block weights that share a scale along a row; 0 if the whole row does, or without scales
 * @param scales element type of the scales; empty unless weights are quantised
 * @param biases element type of the biases; empty if there are none
 * @param zeroPoints whether zero points are stored; otherwise the middle of the range is zero
 */
public record WeightFormat(
    ElementType storage,
    int bits,
    int block,
    Optional<ElementType> scales,
    Optional<ElementType> biases,
    boolean zeroPoints) {

  /** Whether weights are integers with scales. */
  public boolean quantised() {
    return scales.isPresent();
  }

  /** For people: {@code fp32}, {@code int4 block 32}, {@code int8 per row, zero points}. */
  public String text() {
    if (!quantised()) {
      return storage.text();
    }
    String sharing = block == 0 ? " per row" : " block " + block;
    return "int" + bits + sharing + (zeroPoints ? ", zero points" : "");
  }
}
