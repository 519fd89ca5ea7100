package dev.warmgate.routing.dispatch;

/**
 * The log of a sum of exponentials, to about four digits: enough to compare rows' gates by, many
 * times faster than {@link Math#exp}, and equal on every machine.
 */
final class LogSumExp {
  private static final float LOG2_E = 1.442695f;
  private static final int MANTISSA_BITS = 23;
  private static final int EXPONENT_BIAS = 127;

  private LogSumExp() {}

  /** Of {@code values}, whose −∞ and NaN count as nothing. Overwrites them. */
  static float of(float[] values) {
    float max = -Float.MAX_VALUE;
    for (float value : values) {
      if (value > max) { // seldom, so cheaper than a maximum each
        max = value;
      }
    }
    max = Math.min(max, Float.MAX_VALUE);
    for (int i = 0; i < values.length; i++) {
      values[i] = exp2((values[i] - max) * LOG2_E);
    }
    float sum = sum(values);
    // An infinite logit outweighs all others.
    return Float.isFinite(sum) ? max + (float) Math.log(sum) : max;
  }

  /** 2 to a power of at most 0; what is below 2^-126, or not a number, counts as that. */
  private static float exp2(float power) {
    float limited = power > 1 - EXPONENT_BIAS ? power : 1 - EXPONENT_BIAS;
    int whole = (int) limited - 1;
    float part = limited - whole;
    // A cubic that meets 2^x for 0 <= x <= 1 to some 1e-4.
    float cubic = 1 + part * (0.6955569f + part * (0.2261736f + part * 0.0781456f));
    return cubic * Float.intBitsToFloat((whole + EXPONENT_BIAS) << MANTISSA_BITS);
  }

  /** Four sums, which don't wait for one another. */
  private static float sum(float[] values) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    int i = 0;
    for (; i + 4 <= values.length; i += 4) {
      a += values[i];
      b += values[i + 1];
      c += values[i + 2];
      d += values[i + 3];
    }
    for (; i < values.length; i++) {
      a += values[i];
    }
    return (a + b) + (c + d);
  }
}
