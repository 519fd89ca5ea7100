package dev.warmgate.onnx;

import java.util.Locale;

/**
 * The activation between an expert's two matrices.
 *
 * @param type as the model writes it: {@code relu}, {@code gelu}, {@code silu}, {@code identity},
 *     {@code swiglu}
 * @param fusion {@code swiglu_fusion}: 1, gate and linear rows alternate; 2, all gate rows come
 *     first. Means nothing for the other types
 * @param alpha factor inside swiglu's sigmoid
 * @param beta what swiglu adds to the linear part
 * @param limit where swiglu clamps; infinite if the model sets none
 */
public record MoeActivation(String type, int fusion, float alpha, float beta, float limit) {
  /** Whether the first matrix has two rows, gate and linear, for each inner value. */
  public boolean gated() {
    return type.equals("swiglu");
  }

  /** For people: {@code silu}, {@code swiglu interleaved alpha=1.702 beta=1 limit=7}. */
  public String text() {
    if (!gated()) {
      return type;
    }
    String layout = fusion == 1 ? " interleaved" : " halves";
    String clamp = Float.isInfinite(limit) ? "" : " limit=" + number(limit);
    return type + layout + " alpha=" + number(alpha) + " beta=" + number(beta) + clamp;
  }

  private static String number(float value) {
    return value == Math.rint(value) && Math.abs(value) < 1e6f
        ? String.format(Locale.ROOT, "%.0f", value)
        : Float.toString(value);
  }
}
