package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The rows of one matrix times vectors, in double precision. Used by one thread. */
final class ScalarRows {
  /** Activations that share a scale where they are rounded to int8. */
  private static final int BLOCK = 32;

  /** Smaller peaks are multiples of the least normal number. */
  private static final float LEAST_PEAK = 127 * Float.MIN_NORMAL;

  private final WeightFormat format;
  private final boolean fast;
  private final Matrix matrix;
  private final int columns;
  private final float[] vector;
  private long vectorAt = -1;

  ScalarRows(FfnShape shape, Matrix matrix, int columns) {
    this.format = shape.format();
    this.matrix = matrix;
    this.columns = columns;
    fast = shape.precision() == Precision.FAST && shape.format() instanceof WeightFormat.Quantised;
    vector = new float[columns];
  }

  /**
   * A row times a vector, plus the row's bias. The vector's values don't change while this object
   * is used.
   *
   * @param at index of the vector's first value in {@code values}
   */
  double dot(long row, MemorySegment values, long at) {
    if (at != vectorAt) {
      read(values, at);
      vectorAt = at;
    }
    double sum =
        switch (format) {
          case WeightFormat.Real(RealType type) -> realDot(type, row);
          case WeightFormat.Quantised quantised -> quantisedDot(quantised, row);
        };
    return Checks.isNull(matrix.bias()) ? sum : sum + real(matrix.bias(), format.biases(), row);
  }

  private void read(MemorySegment values, long at) {
    MemorySegment.copy(values, JAVA_FLOAT_UNALIGNED, at * Float.BYTES, vector, 0, columns);
    if (fast) {
      for (int from = 0; from < columns; from += BLOCK) {
        round(from, Math.min(from + BLOCK, columns));
      }
    }
  }

  /** Rounds a block as the int8 kernels do. A value that isn't finite makes all of it NaN. */
  private void round(int from, int to) {
    float peak = 0;
    for (int i = from; i < to; i++) {
      peak = Math.max(peak, Math.abs(vector[i]));
    }
    boolean finite = Float.isFinite(peak);
    float inverse = peak > LEAST_PEAK ? 127f / peak : 1 / Float.MIN_NORMAL;
    float scale = !finite ? Float.NaN : peak > LEAST_PEAK ? peak / 127f : Float.MIN_NORMAL;
    for (int i = from; i < to; i++) {
      vector[i] = finite ? (float) Math.rint(vector[i] * inverse) * scale : Float.NaN;
    }
  }

  /** Four sums, so that additions overlap. */
  private double realDot(RealType type, long row) {
    long first = row * columns;
    if (type == RealType.FP16) {
      double sum = 0;
      for (int i = 0; i < columns; i++) {
        sum += (double) real(matrix.weights(), type, first + i) * vector[i];
      }
      return sum;
    }
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 4 <= columns; i += 4) {
      s0 += (double) weight(first + i) * vector[i];
      s1 += (double) weight(first + i + 1) * vector[i + 1];
      s2 += (double) weight(first + i + 2) * vector[i + 2];
      s3 += (double) weight(first + i + 3) * vector[i + 3];
    }
    for (; i < columns; i++) {
      s0 += (double) weight(first + i) * vector[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  private float weight(long index) {
    return matrix.weights().get(JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
  }

  private double quantisedDot(WeightFormat.Quantised quantised, long row) {
    int bits = quantised.bits();
    int perByte = 8 / bits;
    long rowBytes = quantised.weightBytes(1, columns);
    int size = quantised.blockSize() == 0 ? columns : quantised.blockSize();
    long blocks = quantised.blocks(columns);
    double sum = 0;
    for (int block = 0; block < blocks; block++) {
      int zero = zeroPoint(quantised, row, block, blocks);
      double part = 0;
      int to = (int) Math.min(columns, (block + 1L) * size);
      for (int i = block * size; i < to; i++) {
        part +=
            (double) (packed(matrix.weights(), row * rowBytes, i, bits, perByte) - zero)
                * vector[i];
      }
      sum += part * real(matrix.scales(), quantised.scales(), row * blocks + block);
    }
    return sum;
  }

  private int zeroPoint(WeightFormat.Quantised quantised, long row, int block, long blocks) {
    int bits = quantised.bits();
    MemorySegment points = matrix.zeroPoints();
    if (Checks.isNull(points)) {
      return 1 << (bits - 1);
    }
    long rowBytes = (blocks * bits + 7) / 8;
    return quantised.blockSize() == 0
        ? packed(points, 0, row, bits, 8 / bits)
        : packed(points, row * rowBytes, block, bits, 8 / bits);
  }

  /** Integer {@code index} of those packed from byte {@code start} on. */
  private static int packed(MemorySegment segment, long start, long index, int bits, int perByte) {
    int shift = (int) (index % perByte) * bits;
    return (segment.get(JAVA_BYTE, start + index / perByte) >> shift) & ((1 << bits) - 1);
  }

  private static float real(MemorySegment segment, RealType type, long index) {
    return switch (type) {
      case FP32 -> segment.get(JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
      case FP16 -> Float.float16ToFloat(segment.get(JAVA_SHORT_UNALIGNED, index * Short.BYTES));
    };
  }
}
