package dev.warmgate.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Dequantises a gate that a {@code com.microsoft::MatMulNBits} node multiplies with: packed
 * integers {@code [N, blocks, block · bits / 8]}, low bits first, with a scale for each block and,
 * if given, a packed zero point.
 */
final class QuantisedGate {
  private QuantisedGate() {}

  /** The matrix as {@code f32[experts, hidden]}; empty if it is stored in another way. */
  static Optional<float[]> read(Gate.Found gate, int experts, int hidden) throws IOException {
    int bits = (int) gate.node().intAttribute("bits", 4);
    int block = (int) gate.node().intAttribute("block_size", 0);
    boolean known =
        (bits == 4 || bits == 8)
            && block >= 16
            && gate.node().input(4).isEmpty()
            && gate.scales().isPresent()
            && gate.node().input(3).isEmpty() == gate.zeroPoints().isEmpty();
    if (!known || !(gate.matrix().location() instanceof TensorLocation.Addressable)) {
      return Optional.empty();
    }
    int blocks = (hidden + block - 1) / block;
    Optional<float[]> scales = GateValues.floats(gate.scales().get());
    ByteBuffer packed = GateValues.bytes(gate.matrix());
    long rowBytes = (long) blocks * block * bits / 8;
    if (scales.isEmpty()
        || scales.get().length != (long) experts * blocks
        || packed.remaining() != experts * rowBytes) {
      return Optional.empty();
    }
    int zeroRowBytes = (blocks * bits + 7) / 8;
    ByteBuffer zeros = null;
    if (gate.zeroPoints().isPresent()) {
      Initializer tensor = gate.zeroPoints().get();
      if (tensor.type() != ElementType.UINT8 || tensor.bytes() != (long) experts * zeroRowBytes) {
        return Optional.empty();
      }
      zeros = GateValues.bytes(tensor);
    }
    float[] values = new float[experts * hidden];
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < hidden; i++) {
        int b = i / block;
        int zero =
            zeros == null ? 1 << (bits - 1) : integer(zeros, (long) e * zeroRowBytes, b, bits);
        values[e * hidden + i] =
            (integer(packed, e * rowBytes, i, bits) - zero) * scales.get()[e * blocks + b];
      }
    }
    return Optional.of(values);
  }

  private static int integer(ByteBuffer packed, long row, int index, int bits) {
    int at = Byte.toUnsignedInt(packed.get(Math.toIntExact(row + (long) index * bits / 8)));
    return bits == 8 ? at : at >> (index % 2 * 4) & 15;
  }
}
