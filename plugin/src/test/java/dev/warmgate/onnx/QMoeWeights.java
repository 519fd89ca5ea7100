package dev.warmgate.onnx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;

/**
 * The tensors of one layer of a {@link QMoeModelSpec}: a pure function of spec and layer. Packed
 * weights and zero points are random bytes, so all values occur.
 */
final class QMoeWeights {
  private final QMoeModelSpec spec;
  private final int layer;
  private final Map<Part, ByteBuffer> tensors = new EnumMap<>(Part.class);

  /** The tensors of a layer. */
  enum Part {
    GATE,
    FC1,
    SCALES1,
    ZEROS1,
    BIAS1,
    FC2,
    SCALES2,
    ZEROS2,
    BIAS2
  }

  QMoeWeights(QMoeModelSpec spec, int layer) {
    this.spec = spec;
    this.layer = layer;
  }

  long[] dims(Part part) {
    MoeModelSpec moe = spec.moe();
    int experts = moe.experts();
    return switch (part) {
      case GATE -> new long[] {moe.hidden(), experts};
      case FC1 -> new long[] {experts, moe.rows(), moe.hidden() / spec.packing()};
      case SCALES1 -> shared(moe.rows(), spec.blocks(moe.hidden()));
      case ZEROS1 -> packed(moe.rows(), spec.blocks(moe.hidden()));
      case BIAS1 -> new long[] {experts, moe.rows()};
      case FC2 -> new long[] {experts, moe.hidden(), moe.inner() / spec.packing()};
      case SCALES2 -> shared(moe.hidden(), spec.blocks(moe.inner()));
      case ZEROS2 -> packed(moe.hidden(), spec.blocks(moe.inner()));
      case BIAS2 -> new long[] {experts, moe.hidden()};
    };
  }

  private long[] shared(int rows, int blocks) {
    int experts = spec.moe().experts();
    return spec.block() == 0 ? new long[] {experts, rows} : new long[] {experts, rows, blocks};
  }

  private long[] packed(int rows, int blocks) {
    int experts = spec.moe().experts();
    return spec.block() == 0
        ? new long[] {experts, Math.ceilDiv(rows, spec.packing())}
        : new long[] {experts, rows, Math.ceilDiv(blocks, spec.packing())};
  }

  ElementType type(Part part) {
    return switch (part) {
      case FC1, FC2 -> spec.quantised() ? ElementType.UINT8 : spec.type();
      case ZEROS1, ZEROS2 -> ElementType.UINT8;
      default -> spec.type();
    };
  }

  /** Whether experts have that part. */
  boolean has(Part part) {
    return switch (part) {
      case GATE -> false;
      case FC1, FC2 -> true;
      case SCALES1, SCALES2 -> spec.quantised();
      case ZEROS1, ZEROS2 -> spec.quantised() && spec.zeroPoints();
      case BIAS1, BIAS2 -> spec.moe().bias();
    };
  }

  long bytesPerExpert(Part part) {
    long elements = Arrays.stream(dims(part)).skip(1).reduce(1, Math::multiplyExact);
    return type(part).bytes(elements);
  }

  /** The tensor's bytes as a model stores them. */
  ByteBuffer bytes(Part part) {
    return tensors
        .computeIfAbsent(part, this::make)
        .duplicate()
        .order(ByteOrder.LITTLE_ENDIAN)
        .rewind();
  }

  private ByteBuffer make(Part part) {
    int count = Math.toIntExact(Arrays.stream(dims(part)).reduce(1, Math::multiplyExact));
    var random = new Random(spec.moe().seed() * 1000 + layer * 31L + part.name().hashCode());
    ElementType type = type(part);
    if (type == ElementType.UINT8) {
      byte[] bytes = new byte[count];
      random.nextBytes(bytes);
      return ByteBuffer.wrap(bytes);
    }
    MoeModelSpec moe = spec.moe();
    // Keeps values of the order of one through the layers.
    double step = Math.scalb(1.0, 1 - spec.bits());
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.toIntExact(type.bytes(count))).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      double value =
          switch (part) {
            case GATE -> 2 * random.nextGaussian() / Math.sqrt(moe.hidden());
            case SCALES1 -> step * (0.5 + random.nextDouble()) * Math.sqrt(3.0 / moe.hidden());
            case SCALES2 -> step * (0.5 + random.nextDouble()) * Math.sqrt(3.0 / moe.inner());
            case FC1 -> random.nextGaussian() / Math.sqrt(moe.hidden());
            case FC2 -> random.nextGaussian() / Math.sqrt(moe.inner());
            default -> random.nextDouble() - 0.5;
          };
      if (type == ElementType.FLOAT16) {
        buffer.putShort(Float.floatToFloat16((float) value));
      } else {
        buffer.putFloat((float) value);
      }
    }
    return buffer;
  }

  /** A value of a tensor that isn't packed. */
  double real(Part part, long index) {
    ByteBuffer buffer = bytes(part);
    return type(part) == ElementType.FLOAT16
        ? Float.float16ToFloat(buffer.getShort((int) (2 * index)))
        : buffer.getFloat((int) (4 * index));
  }

  /** A weight of FC1 or FC2: scale · (stored − zero point). */
  double weight(Part part, int expert, int row, int column) {
    boolean first = part == Part.FC1;
    int rows = first ? spec.moe().rows() : spec.moe().hidden();
    int columns = first ? spec.moe().hidden() : spec.moe().inner();
    long line = (long) expert * rows + row;
    if (!spec.quantised()) {
      return real(part, line * columns + column);
    }
    int blocks = spec.blocks(columns);
    int block = spec.block() == 0 ? 0 : column / spec.block();
    double scale = real(first ? Part.SCALES1 : Part.SCALES2, line * blocks + block);
    int zero = 1 << (spec.bits() - 1);
    if (spec.zeroPoints()) {
      Part zeros = first ? Part.ZEROS1 : Part.ZEROS2;
      zero =
          spec.block() == 0
              ? packed(zeros, (long) expert * Math.ceilDiv(rows, spec.packing()), row)
              : packed(zeros, line * Math.ceilDiv(blocks, spec.packing()), block);
    }
    return scale * (packed(part, line * (columns / spec.packing()), column) - zero);
  }

  /** Number {@code index} of those packed from byte {@code start} on, the low bits first. */
  private int packed(Part part, long start, int index) {
    int packing = spec.packing();
    int all = Byte.toUnsignedInt(bytes(part).get((int) (start + index / packing)));
    return (all >> (index % packing * spec.bits())) & ((1 << spec.bits()) - 1);
  }
}
