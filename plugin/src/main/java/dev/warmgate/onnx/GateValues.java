package dev.warmgate.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;

/**
 * The numbers of a layer's gate, and of the normalisation before it. Immutable; the arrays are not
 * to be changed.
 *
 * @param experts E
 * @param hidden H
 * @param weights {@code f32[E, H]}
 * @param bias {@code f32[E]}, zeros if the gate has none
 * @param norm {@code f32[H]}: by what the normalisation multiplies; ones if it wasn't found
 */
@SuppressWarnings("ArrayRecordComponent") // Handed over once, from the reader to the forecaster.
public record GateValues(int experts, int hidden, float[] weights, float[] bias, float[] norm) {

  /**
   * Reads the gate of a layer.
   *
   * @return empty if it wasn't found in the graph, or is stored in a way that isn't known
   * @throws IOException if its file can't be read
   */
  public static Optional<GateValues> read(MoeLayer layer) throws IOException {
    if (!(layer.gate() instanceof Gate.Found gate) || gate.width() != layer.hidden()) {
      return Optional.empty();
    }
    Optional<float[]> weights =
        gate.op().equals("MatMulNBits")
            ? QuantisedGate.read(gate, layer.experts(), layer.hidden())
            : floats(gate.matrix()).map(matrix -> rows(matrix, gate, layer));
    Optional<float[]> bias = optional(gate.bias(), layer.experts(), 0);
    Optional<float[]> norm = optional(gate.norm(), layer.hidden(), 1);
    if (weights.isEmpty() || bias.isEmpty() || norm.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new GateValues(layer.experts(), layer.hidden(), weights.get(), bias.get(), norm.get()));
  }

  private static float[] rows(float[] matrix, Gate.Found gate, MoeLayer layer) {
    if (gate.transposed()) {
      return matrix;
    }
    int experts = layer.experts();
    int hidden = layer.hidden();
    float[] rows = new float[matrix.length];
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < hidden; i++) {
        rows[e * hidden + i] = matrix[i * experts + e];
      }
    }
    return rows;
  }

  private static Optional<float[]> optional(Optional<Initializer> tensor, int length, float none)
      throws IOException {
    if (tensor.isPresent()) {
      return floats(tensor.get());
    }
    float[] values = new float[length];
    Arrays.fill(values, none);
    return Optional.of(values);
  }

  /** The values of a tensor of floats; empty for other types, or if they are encoded. */
  static Optional<float[]> floats(Initializer tensor) throws IOException {
    if (!(tensor.location() instanceof TensorLocation.Addressable)) {
      return Optional.empty();
    }
    return switch (tensor.type()) {
      case FLOAT -> {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        bytes(tensor).asFloatBuffer().get(values);
        yield Optional.of(values);
      }
      case FLOAT16, BFLOAT16 -> {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        ByteBuffer halves = bytes(tensor);
        for (int i = 0; i < values.length; i++) {
          short bits = halves.getShort(2 * i);
          values[i] =
              tensor.type() == ElementType.FLOAT16
                  ? Float.float16ToFloat(bits)
                  : Float.intBitsToFloat(bits << Short.SIZE);
        }
        yield Optional.of(values);
      }
      default -> Optional.empty();
    };
  }

  /** The bytes of a tensor that is {@link TensorLocation.Addressable}. */
  static ByteBuffer bytes(Initializer tensor) throws IOException {
    var place = (TensorLocation.Addressable) tensor.location();
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.toIntExact(place.length())).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(place.file(), StandardOpenOption.READ)) {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, place.offset() + buffer.position()) <= 0) {
          throw new IOException(
              "%s: ends within tensor %s".formatted(place.file(), Shapes.printable(tensor.name())));
        }
      }
    }
    return buffer.flip();
  }
}
