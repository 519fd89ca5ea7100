package dev.warmgate.kernels;

import static java.lang.String.format;

/**
 * How the two matrices of an expert are stored, row by row. All sizes are of one matrix with {@code
 * rows} rows of {@code columns} weights.
 */
public sealed interface WeightFormat {
  /** Bytes of the weights. */
  long weightBytes(long rows, long columns);

  /** Bytes of the scales; 0 if there are none. */
  long scaleBytes(long rows, long columns);

  /** Bytes of zero points, where they are stored; 0 if the format has none. */
  long zeroPointBytes(long rows, long columns);

  /** What biases are stored as. */
  RealType biases();

  /** Bytes of a bias. */
  default long biasBytes(long rows) {
    return rows * biases().bytes();
  }

  /**
   * Weights that are floating-point numbers.
   *
   * @param type of weights and biases
   */
  record Real(RealType type) implements WeightFormat {
    /** fp32 weights and biases. */
    public static final Real FP32 = new Real(RealType.FP32);

    /** fp16 weights and biases. */
    public static final Real FP16 = new Real(RealType.FP16);

    /** Checks that there is a type. */
    public Real {
      if (type == null) {
        throw new IllegalArgumentException("weights without a type");
      }
    }

    @Override
    public long weightBytes(long rows, long columns) {
      return rows * columns * type.bytes();
    }

    @Override
    public long scaleBytes(long rows, long columns) {
      return 0;
    }

    @Override
    public long zeroPointBytes(long rows, long columns) {
      return 0;
    }

    @Override
    public RealType biases() {
      return type;
    }
  }

  /**
   * Packed integers: a weight is {@code scale · (stored − zero point)}, as {@code
   * com.microsoft::QMoE} stores them. The first weight of a byte is in its low bits, and every row
   * begins at a byte. Without zero points all are {@code 2^(bits − 1)}.
   *
   * <p>Row-wise ({@code blockSize} 0), scales are {@code [rows]} and zero points {@code [rows]},
   * packed like weights. Block-wise, scales are {@code [rows, blocks]} and zero points {@code
   * [rows, blocks]}, packed along the blocks, every row beginning at a byte; {@code blocks} is
   * {@code ⌈columns / blockSize⌉}.
   *
   * @param bits of a weight: 8, 4 or 2
   * @param blockSize weights along a row that share a scale, a power of two ≥ 16; or 0 for rows
   * @param scales what scales are stored as
   * @param biases what biases are stored as
   */
  record Quantised(int bits, int blockSize, RealType scales, RealType biases)
      implements WeightFormat {
    /** The smallest block. */
    public static final int LEAST_BLOCK = 16;

    /** Checks the ranges. */
    public Quantised {
      if (bits != 8 && bits != 4 && bits != 2) {
        throw new IllegalArgumentException(format("weights of %d bits, not 8, 4 or 2", bits));
      }
      if (blockSize != 0 && (blockSize < LEAST_BLOCK || Integer.bitCount(blockSize) != 1)) {
        throw new IllegalArgumentException(
            format("block size %d is no power of two from %d on", blockSize, LEAST_BLOCK));
      }
      if (scales == null || biases == null) {
        throw new IllegalArgumentException("scales or biases without a type");
      }
    }

    /** Scales of a row. */
    public long blocks(long columns) {
      return blockSize == 0 ? 1 : Math.ceilDiv(columns, (long) blockSize);
    }

    @Override
    public long weightBytes(long rows, long columns) {
      return rows * packed(columns);
    }

    @Override
    public long scaleBytes(long rows, long columns) {
      return rows * blocks(columns) * scales.bytes();
    }

    @Override
    public long zeroPointBytes(long rows, long columns) {
      return blockSize == 0 ? packed(rows) : rows * packed(blocks(columns));
    }

    private long packed(long count) {
      return (count * bits + 7) / 8;
    }
  }
}
