package dev.warmgate.onnx;

/**
 * How the experts' matrices are stored.
 *
 * @param storage element type of the tensors
 * @param bits bits of one weight
 * @param block weights that share a scale along a row; 0 if the whole row does, or without scales
 * @param quantised whether weights are integers with scales
 * @param zeroPoints whether zero points are stored; otherwise the middle of the range is zero
 */
public record WeightFormat(
    ElementType storage, int bits, int block, boolean quantised, boolean zeroPoints) {
  /** For people: {@code fp32}, {@code int4 block 32}, {@code int8 per row, zero points}. */
  public String text() {
    if (!quantised) {
      return storage.text();
    }
    String sharing = block == 0 ? " per row" : " block " + block;
    return "int" + bits + sharing + (zeroPoints ? ", zero points" : "");
  }
}
