package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Top-k, combine weights and decay, one value at a time. */
final class ScalarRouting {
  private ScalarRouting() {}

  static int topK(
      MemorySegment logits,
      int experts,
      MemorySegment residents,
      float bias,
      int k,
      Ties ties,
      MemorySegment ids) {
    boolean masked = !Checks.isNull(residents);
    int chosen = 0;
    float toBeat = Float.NEGATIVE_INFINITY;
    for (int e = 0; e < experts && k > 0; e++) {
      float score = score(logits, residents, masked, bias, e);
      // Written so that NaN is refused with -inf.
      if (!(score > Float.NEGATIVE_INFINITY && beats(score, toBeat, ties))) {
        continue;
      }
      chosen = Math.min(chosen + 1, k);
      int at = chosen - 1;
      while (at > 0
          && beats(score, score(logits, residents, masked, bias, id(ids, at - 1)), ties)) {
        at--;
      }
      for (int i = chosen - 1; i > at; i--) {
        setId(ids, i, id(ids, i - 1));
      }
      setId(ids, at, e);
      if (chosen == k) {
        toBeat = score(logits, residents, masked, bias, id(ids, k - 1));
      }
    }
    for (int i = chosen; i < k; i++) {
      setId(ids, i, -1);
    }
    return chosen;
  }

  /** Ids come in rising order: an equal score goes first where the higher id wins. */
  private static boolean beats(float score, float earlier, Ties ties) {
    return score > earlier || (score == earlier && ties == Ties.HIGHER_ID);
  }

  private static float score(
      MemorySegment logits, MemorySegment residents, boolean masked, float bias, int e) {
    float z = f32(logits, e);
    if (!masked) {
      return z;
    }
    long word = residents.get(JAVA_LONG_UNALIGNED, (long) (e >>> 6) * Long.BYTES);
    return (word >>> e & 1) != 0 ? z + bias : z;
  }

  static void gateWeights(
      MemorySegment logits,
      int experts,
      MemorySegment ids,
      int k,
      Denominator over,
      MemorySegment weights) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < k; i++) {
      int id = id(ids, i);
      if (id < -1 || id >= experts) {
        throw Checks.badId();
      }
      max = id < 0 ? max : larger(max, f32(logits, id));
    }
    if (over == Denominator.ALL) {
      for (int e = 0; e < experts; e++) {
        max = larger(max, f32(logits, e));
      }
    }
    double sum = 0;
    if (over == Denominator.ALL) {
      for (int e = 0; e < experts; e++) {
        sum += exp(f32(logits, e), max);
      }
    } else {
      for (int i = 0; i < k; i++) {
        int id = id(ids, i);
        sum += id < 0 ? 0 : exp(f32(logits, id), max);
      }
    }
    for (int i = 0; i < k; i++) {
      int id = id(ids, i);
      float weight = id < 0 || sum == 0 ? 0 : (float) (exp(f32(logits, id), max) / sum);
      weights.set(JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES, weight);
    }
  }

  private static float larger(float max, float z) {
    return z > max ? z : max;
  }

  /** {@code exp(z − max)}, 0 for NaN and −∞; the largest is 1 even where it is infinite. */
  static double exp(float z, float max) {
    if (!(z > Float.NEGATIVE_INFINITY)) {
      return 0;
    }
    return z == max ? 1 : Math.exp((double) z - max);
  }

  static void decay(MemorySegment values, int count, float factor) {
    for (int i = 0; i < count; i++) {
      values.set(JAVA_FLOAT_UNALIGNED, (long) i * Float.BYTES, f32(values, i) * factor);
    }
  }

  private static float f32(MemorySegment segment, int index) {
    return segment.get(JAVA_FLOAT_UNALIGNED, (long) index * Float.BYTES);
  }

  private static int id(MemorySegment ids, int index) {
    return ids.get(JAVA_INT_UNALIGNED, (long) index * Integer.BYTES);
  }

  private static void setId(MemorySegment ids, int index, int id) {
    ids.set(JAVA_INT_UNALIGNED, (long) index * Integer.BYTES, id);
  }
}
