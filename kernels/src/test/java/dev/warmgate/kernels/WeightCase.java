package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/**
 * One expert with random weights of some format, and what each step makes of random vectors: every
 * buffer in front of a guard page. Packed weights and zero points are random bytes.
 */
final class WeightCase {
  final FfnShape shape;
  final int tokens;
  private final byte[][] fc1;
  private final byte[][] fc2;
  private final float[] x;
  private final float[] inner;

  WeightCase(FfnShape shape, int tokens, boolean zeroPoints, boolean bias, long seed) {
    this.shape = shape;
    this.tokens = tokens;
    Random random = new Random(seed);
    fc1 = matrix(shape.rows1(), shape.hidden(), zeroPoints, bias, random);
    fc2 = matrix(shape.hidden(), shape.inner(), zeroPoints, bias, random);
    x = gaussians(tokens * shape.hidden(), random);
    inner = gaussians(tokens * shape.inner(), random);
  }

  private static float[] gaussians(int count, Random random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Weights, scales, zero points, bias; null where absent. */
  private byte[][] matrix(int rows, int columns, boolean zeros, boolean bias, Random random) {
    WeightFormat format = shape.format();
    double size = 1 / Math.sqrt(columns);
    byte[][] parts = new byte[4][];
    switch (format) {
      case WeightFormat.Real(RealType type) ->
          parts[0] = reals(type, rows * columns, size, 0, random);
      case WeightFormat.Quantised packed -> {
        parts[0] = new byte[(int) format.weightBytes(rows, columns)];
        random.nextBytes(parts[0]);
        int scales = rows * (int) packed.blocks(columns);
        parts[1] = reals(packed.scales(), scales, size / (1 << packed.bits()), 2, random);
        if (zeros) {
          parts[2] = new byte[(int) format.zeroPointBytes(rows, columns)];
          random.nextBytes(parts[2]);
        }
      }
    }
    parts[3] = bias ? reals(format.biases(), rows, 1, 0, random) : null;
    return parts;
  }

  private static byte[] reals(RealType type, int count, double size, double mean, Random random) {
    ByteBuffer buffer = ByteBuffer.allocate(count * type.bytes()).order(ByteOrder.nativeOrder());
    for (int i = 0; i < count; i++) {
      float value = (float) ((mean + random.nextGaussian()) * size);
      if (type == RealType.FP16) {
        buffer.putShort(Float.floatToFloat16(value));
      } else {
        buffer.putFloat(value);
      }
    }
    return buffer.array();
  }

  /** Replaces an input value of the first step. */
  WeightCase withInput(int index, float value) {
    x[index] = value;
    return this;
  }

  /** What UP writes, {@code [tokens, inner]}. */
  float[] up(Kernels kernels, int parts, int gap, boolean single) {
    return run(kernels, Step.UP, parts, gap, single);
  }

  /** What DOWN makes of random inner values, {@code [tokens, hidden]}. */
  float[] down(Kernels kernels, int parts, int gap, boolean single) {
    return run(kernels, Step.DOWN, parts, gap, single);
  }

  private float[] run(Kernels kernels, Step step, int parts, int gap, boolean single) {
    try (GuardedMemory memory = new GuardedMemory(gap);
        FfnBatch batch = new FfnBatch(shape, single ? tokens : 1)) {
      MemorySegment innerValues = memory.floats(inner);
      MemorySegment partial = memory.allocate(4L * tokens * shape.hidden());
      MemorySegment out = memory.allocate(4L * tokens * shape.hidden());
      MemorySegment gates = memory.allocate(4L * tokens);
      batch.begin(tokens, 1, memory.floats(x), innerValues, partial, gates, out, parts);
      ExpertWeights weights = new ExpertWeights(matrix(fc1, memory), matrix(fc2, memory));
      if (single) {
        for (int t = 0; t < tokens; t++) {
          batch.add(weights, memory.ints(t), 1);
        }
      } else {
        int[] all = new int[tokens];
        for (int t = 0; t < tokens; t++) {
          all[t] = t;
        }
        batch.add(weights, memory.ints(all), tokens);
      }
      for (int part = parts - 1; part >= 0; part--) {
        kernels.run(step, batch, part);
      }
      return (step == Step.UP ? innerValues : partial).toArray(JAVA_FLOAT_UNALIGNED);
    }
  }

  private static Matrix matrix(byte[][] parts, GuardedMemory memory) {
    MemorySegment[] segments = new MemorySegment[parts.length];
    for (int i = 0; i < parts.length; i++) {
      segments[i] =
          parts[i] == null
              ? MemorySegment.NULL
              : memory.allocate(parts[i].length).copyFrom(MemorySegment.ofArray(parts[i]));
    }
    return new Matrix(segments[0], segments[1], segments[2], segments[3]);
  }

  /** The second step in doubles, by the definition; exact precision only. */
  double[] expectedDown() {
    double[] out = new double[tokens * shape.hidden()];
    for (int t = 0; t < tokens; t++) {
      for (int row = 0; row < shape.hidden(); row++) {
        double sum = fc2[3] == null ? 0 : real(shape.format().biases(), fc2[3], row);
        for (int i = 0; i < shape.inner(); i++) {
          sum += weight(row, i) * inner[t * shape.inner() + i];
        }
        out[t * shape.hidden() + row] = sum;
      }
    }
    return out;
  }

  private double weight(int row, int column) {
    int columns = shape.inner();
    return switch (shape.format()) {
      case WeightFormat.Real(RealType type) -> real(type, fc2[0], row * columns + column);
      case WeightFormat.Quantised(int bits, int blockSize, RealType scales, RealType _) -> {
        int perByte = 8 / bits;
        int blocks = blockSize == 0 ? 1 : Math.ceilDiv(columns, blockSize);
        int block = blockSize == 0 ? 0 : column / blockSize;
        int zero = 1 << (bits - 1);
        if (fc2[2] != null) {
          zero =
              blockSize == 0
                  ? packed(fc2[2], 0, row, bits)
                  : packed(fc2[2], row * Math.ceilDiv(blocks, perByte), block, bits);
        }
        int stored = packed(fc2[0], row * Math.ceilDiv(columns, perByte), column, bits);
        yield real(scales, fc2[1], row * blocks + block) * (stored - zero);
      }
    };
  }

  private static int packed(byte[] bytes, int start, int index, int bits) {
    int perByte = 8 / bits;
    int all = Byte.toUnsignedInt(bytes[start + index / perByte]);
    return (all >> (index % perByte * bits)) % (1 << bits);
  }

  private static double real(RealType type, byte[] bytes, int index) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    return type == RealType.FP16
        ? Float.float16ToFloat(buffer.getShort(2 * index))
        : buffer.getFloat(4 * index);
  }

  @Override
  public String toString() {
    return "%s, %d tokens, zero points %b, bias %b"
        .formatted(shape, tokens, fc1[2] != null, fc1[3] != null);
  }
}
