package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The feed-forward steps, one dot product at a time, summed in double precision. */
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
      ExpertWeights w = batch.expert(e);
      for (int c = 0; c < batch.count(e); c++) {
        int a = assignment(batch, e, c);
        long x = (long) (a / batch.topK()) * hidden;
        for (int i = from; i < to; i++) {
          long row = (long) i * step;
          double value = row(w.fc1(), w.bias1(), row, batch.x(), x, hidden);
          double result =
              gated
                  ? ScalarActivation.gated(
                      shape, value, row(w.fc1(), w.bias1(), row + apart, batch.x(), x, hidden))
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
      ExpertWeights w = batch.expert(e);
      for (int c = 0; c < batch.count(e); c++) {
        int a = assignment(batch, e, c);
        for (int j = from; j < to; j++) {
          double value = row(w.fc2(), w.bias2(), j, batch.inner(), (long) a * inner, inner);
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

  /** One row times one vector, plus bias. Four sums, so that additions overlap. */
  private static double row(
      MemorySegment matrix, MemorySegment bias, long row, MemorySegment vector, long at, int n) {
    long m = row * n;
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
      s0 += (double) get(matrix, m + i) * get(vector, at + i);
      s1 += (double) get(matrix, m + i + 1) * get(vector, at + i + 1);
      s2 += (double) get(matrix, m + i + 2) * get(vector, at + i + 2);
      s3 += (double) get(matrix, m + i + 3) * get(vector, at + i + 3);
    }
    for (; i < n; i++) {
      s0 += (double) get(matrix, m + i) * get(vector, at + i);
    }
    double sum = (s0 + s1) + (s2 + s3);
    return Checks.isNull(bias) ? sum : sum + get(bias, row);
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
