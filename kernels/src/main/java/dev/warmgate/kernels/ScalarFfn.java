package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * The feed-forward steps, one dot product at a time, summed in double precision. Rows that aren't
 * fp32 are widened first.
 */
final class ScalarFfn {
  private ScalarFfn() {}

  static void up(FfnBatch batch, int part) {
    FfnShape shape = batch.shape();
    int hidden = shape.hidden();
    int inner = shape.inner();
    // Gate and linear rows of SwiGLU: row g(i) = i * step, row l(i) = i * step + apart.
    boolean gated = shape.activation().gated();
    boolean halves = shape.activation() == Activation.SWIGLU_HALVES;
    int step = gated && !halves ? 2 : 1;
    int apart = halves ? inner : 1;
    int from = share(inner, part, batch.parts());
    int to = share(inner, part + 1, batch.parts());
    for (int e = 0; e < batch.size(); e++) {
      ScalarRows w = new ScalarRows(shape, batch.expert(e).fc1(), hidden);
      for (int c = 0; c < batch.count(e); c++) {
        int a = assignment(batch, e, c);
        long x = (long) (a / batch.topK()) * hidden;
        for (int i = from; i < to; i++) {
          long row = (long) i * step;
          double value = w.dot(row, batch.x(), x);
          double result =
              gated
                  ? ScalarActivation.gated(shape, value, w.dot(row + apart, batch.x(), x))
                  : ScalarActivation.apply(shape.activation(), value);
          set(batch.inner(), (long) a * inner + i, result);
        }
      }
    }
  }

  static void down(FfnBatch batch, int part) {
    int hidden = batch.shape().hidden();
    int inner = batch.shape().inner();
    int from = share(hidden, part, batch.parts());
    int to = share(hidden, part + 1, batch.parts());
    for (int e = 0; e < batch.size(); e++) {
      ScalarRows w = new ScalarRows(batch.shape(), batch.expert(e).fc2(), inner);
      for (int c = 0; c < batch.count(e); c++) {
        int a = assignment(batch, e, c);
        for (int j = from; j < to; j++) {
          double value = w.dot(j, batch.inner(), (long) a * inner);
          set(batch.partial(), (long) a * hidden + j, value);
        }
      }
    }
  }

  static void combine(FfnBatch batch, int part) {
    int hidden = batch.shape().hidden();
    int topK = batch.topK();
    long elements = (long) batch.tokens() * hidden;
    long from = elements * part / batch.parts();
    long to = elements * (part + 1) / batch.parts();
    for (long i = from; i < to; i++) {
      long token = i / hidden;
      double sum = 0;
      for (long a = token * topK; a < (token + 1) * topK; a++) {
        float weight = get(batch.gateWeights(), a);
        // What is not served has weight 0 and a partial result that nobody wrote.
        if (weight != 0) {
          sum += (double) weight * get(batch.partial(), a * hidden + i % hidden);
        }
      }
      set(batch.out(), i, sum);
    }
  }

  private static int share(int rows, int part, int parts) {
    return (int) ((long) rows * part / parts);
  }

  private static int assignment(FfnBatch batch, int expert, int index) {
    return batch.assignments(expert).get(JAVA_INT_UNALIGNED, (long) index * Integer.BYTES);
  }

  private static float get(MemorySegment segment, long index) {
    return segment.get(JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
  }

  private static void set(MemorySegment segment, long index, double value) {
    segment.set(JAVA_FLOAT_UNALIGNED, index * Float.BYTES, (float) value);
  }
}
