package dev.warmgate.onnx;

import java.nio.FloatBuffer;

/**
 * The weights of a generated model: a pure function of seed, layer, tensor and index, so that they
 * can be written in any order and never have to be in memory at once.
 */
final class MoeWeights {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final MoeModelSpec spec;

  MoeWeights(MoeModelSpec spec) {
    this.spec = spec;
  }

  /** The tensors of a layer. */
  enum Part {
    GATE,
    GATE_BIAS,
    FC1,
    FC1_BIAS,
    FC2,
    FC2_BIAS
  }

  long[] dims(Part part) {
    return switch (part) {
      case GATE ->
          spec.router() == MoeModelSpec.Router.GEMM
              ? new long[] {spec.experts(), spec.hidden()}
              : new long[] {spec.hidden(), spec.experts()};
      case GATE_BIAS -> new long[] {spec.experts()};
      case FC1 -> new long[] {spec.experts(), spec.rows(), spec.hidden()};
      case FC1_BIAS -> new long[] {spec.experts(), spec.rows()};
      case FC2 -> new long[] {spec.experts(), spec.hidden(), spec.inner()};
      case FC2_BIAS -> new long[] {spec.experts(), spec.hidden()};
    };
  }

  long elements(Part part) {
    long count = 1;
    for (long dim : dims(part)) {
      count *= dim;
    }
    return count;
  }

  /** Fills {@code target} with the tensor's values from index {@code first} on. */
  void fill(int layer, Part part, long first, FloatBuffer target) {
    Series series = series(layer, part);
    for (long index = first; target.hasRemaining(); index++) {
      target.put(series.at(logicalIndex(part, index)));
    }
  }

  /** The gate's weight for a hidden value and an expert. */
  float gate(int layer, int hidden, int expert) {
    return series(layer, Part.GATE).at((long) hidden * spec.experts() + expert);
  }

  /** A value by its place in the interleaved order; {@code row} is of the expert's own rows. */
  float value(int layer, Part part, int expert, int row, int column) {
    return series(layer, part)
        .at(
            switch (part) {
              case GATE, GATE_BIAS -> expert;
              case FC1 -> row(expert, row) * spec.hidden() + column;
              case FC1_BIAS -> row(expert, row);
              case FC2 -> ((long) expert * spec.hidden() + row) * spec.inner() + column;
              case FC2_BIAS -> (long) expert * spec.hidden() + row;
            });
  }

  private long row(int expert, int row) {
    return (long) expert * spec.rows() + row;
  }

  /** Where a stored value is in the order that doesn't depend on how the model stores it. */
  private long logicalIndex(Part part, long index) {
    if (part == Part.GATE && spec.router() == MoeModelSpec.Router.GEMM) {
      return index % spec.hidden() * spec.experts() + index / spec.hidden();
    }
    boolean reordered = spec.activation() == MoeModelSpec.Activation.SWIGLU_HALVES;
    if (reordered && (part == Part.FC1 || part == Part.FC1_BIAS)) {
      int width = part == Part.FC1 ? spec.hidden() : 1;
      long row = index / width;
      int own = (int) (row % spec.rows());
      int from = own < spec.inner() ? 2 * own : 2 * (own - spec.inner()) + 1;
      return (row - own + from) * width + index % width;
    }
    return index;
  }

  private Series series(int layer, Part part) {
    // Keeps values of the order of one through the layers.
    double scale =
        switch (part) {
          case GATE -> 2 * Math.sqrt(3.0 / spec.hidden());
          case FC1 -> Math.sqrt(3.0 / spec.hidden());
          case FC2 -> Math.sqrt(3.0 / spec.inner());
          case GATE_BIAS, FC1_BIAS, FC2_BIAS -> 0.5;
        };
    long tensor = layer * 31L + part.name().hashCode();
    return new Series(mix(spec.seed() * GOLDEN + tensor), (float) scale);
  }

  /** Random values of one tensor, uniform between {@code -scale} and {@code scale}. */
  private record Series(long start, float scale) {
    float at(long index) {
      return ((mix(start + index * GOLDEN) >>> 40) * 0x1p-23f - 1) * scale;
    }
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
