package dev.warmgate.onnx;

import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.QMoeWeights.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Computes a generated model in double precision, by the rules that ONNX Runtime's CPU kernel of
 * {@code QMoE} follows; {@link QMoeSemanticsTest} holds the two against each other.
 *
 * <p>Selection is by logit, ties to the higher id. Combine weights are a softmax over the selected
 * logits, whatever {@code normalize_routing_weights} says; or they are read from the router
 * weights, and that attribute makes them sum to one. A weight that isn't above 1e-8 counts as none.
 * A {@code MoE} selects by the softmax over all experts instead, as {@link MoeReference} does.
 */
public final class QMoeReference {
  private static final float LEAST_WEIGHT = 1e-8f;

  private final QMoeModelSpec spec;
  private final List<QMoeWeights> layers = new ArrayList<>();

  public QMoeReference(QMoeModelSpec spec) {
    this.spec = spec;
    for (int layer = 0; layer < spec.moe().layers(); layer++) {
      layers.add(new QMoeWeights(spec, layer));
    }
  }

  /**
   * The model's output.
   *
   * @param hidden {@code [tokens, hidden]}
   * @param routers gate logits {@code [tokens, experts]} of each layer with {@link Router#INPUT},
   *     otherwise empty
   * @param shares router weights {@code [tokens, experts]} of each layer, or empty
   * @return {@code [tokens, hidden]}
   */
  public double[] run(float[] hidden, List<float[]> routers, List<float[]> shares) {
    int width = spec.moe().hidden();
    int experts = spec.moe().experts();
    double[] x = new double[hidden.length];
    Arrays.setAll(x, i -> hidden[i]);
    for (int layer = 0; layer < layers.size(); layer++) {
      for (int token = 0; token < hidden.length / width; token++) {
        double[] row = Arrays.copyOfRange(x, token * width, (token + 1) * width);
        float[] logits =
            spec.moe().router() == Router.INPUT
                ? row(routers.get(layer), token, experts)
                : gate(layers.get(layer), row);
        float[] share = spec.routerWeights() ? row(shares.get(layer), token, experts) : null;
        double[] out = token(layers.get(layer), row, logits, share);
        for (int i = 0; i < width; i++) {
          x[token * width + i] += 0.5 * out[i];
        }
      }
    }
    return x;
  }

  private static float[] row(float[] matrix, int row, int columns) {
    return Arrays.copyOfRange(matrix, row * columns, (row + 1) * columns);
  }

  private float[] gate(QMoeWeights weights, double[] x) {
    float[] logits = new float[spec.moe().experts()];
    for (int expert = 0; expert < logits.length; expert++) {
      double sum = 0;
      for (int i = 0; i < x.length; i++) {
        sum += x[i] * weights.real(Part.GATE, (long) i * logits.length + expert);
      }
      logits[expert] = (float) sum;
    }
    return logits;
  }

  private double[] token(QMoeWeights weights, double[] x, float[] logits, float[] shares) {
    double[] out = new double[x.length];
    double[] scores = spec.quantised() ? widened(logits) : softmax(widened(logits));
    int[] chosen = choose(scores);
    double[] gathered = new double[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      gathered[i] = shares != null ? shares[chosen[i]] : scores[chosen[i]];
    }
    if (spec.quantised() && shares == null) {
      gathered = softmax(gathered);
    } else if (spec.moe().normalize()) {
      double sum = Arrays.stream(gathered).sum();
      gathered = Arrays.stream(gathered).map(weight -> sum == 0 ? 0 : weight / sum).toArray();
    }
    for (int i = 0; i < chosen.length; i++) {
      if (gathered[i] > LEAST_WEIGHT) {
        double[] y = expert(weights, x, chosen[i]);
        for (int j = 0; j < out.length; j++) {
          out[j] += gathered[i] * y[j];
        }
      }
    }
    return out;
  }

  private static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    Arrays.setAll(wide, i -> values[i]);
    return wide;
  }

  private static double[] softmax(double[] logits) {
    double max = Arrays.stream(logits).max().orElseThrow();
    double[] p = Arrays.stream(logits).map(logit -> Math.exp(logit - max)).toArray();
    double sum = Arrays.stream(p).sum();
    return Arrays.stream(p).map(value -> value / sum).toArray();
  }

  private int[] choose(double[] scores) {
    Integer[] ids = new Integer[scores.length];
    Arrays.setAll(ids, i -> i);
    Arrays.sort(
        ids, (a, b) -> scores[a] != scores[b] ? Double.compare(scores[b], scores[a]) : b - a);
    return Arrays.stream(ids, 0, spec.moe().topK()).mapToInt(Integer::intValue).toArray();
  }

  private double[] expert(QMoeWeights weights, double[] x, int expert) {
    MoeModelSpec moe = spec.moe();
    double[] rows = multiply(weights, Part.FC1, Part.BIAS1, expert, moe.rows(), x);
    double[] inner = new double[moe.inner()];
    for (int i = 0; i < inner.length; i++) {
      inner[i] =
          switch (moe.activation()) {
            case SWIGLU_INTERLEAVED -> swiglu(rows[2 * i], rows[2 * i + 1]);
            case SWIGLU_HALVES -> swiglu(rows[i], rows[i + inner.length]);
            default -> activate(moe.activation(), rows[i]);
          };
    }
    return multiply(weights, Part.FC2, Part.BIAS2, expert, moe.hidden(), inner);
  }

  private double[] multiply(
      QMoeWeights weights, Part part, Part bias, int expert, int rows, double[] x) {
    double[] sums = new double[rows];
    for (int row = 0; row < rows; row++) {
      sums[row] = spec.moe().bias() ? weights.real(bias, (long) expert * rows + row) : 0;
      for (int i = 0; i < x.length; i++) {
        sums[row] += x[i] * weights.weight(part, expert, row, i);
      }
    }
    return sums;
  }

  private double swiglu(double gate, double linear) {
    MoeModelSpec moe = spec.moe();
    double g = Math.min(gate, moe.limit());
    double l = Math.clamp(linear, -moe.limit(), moe.limit());
    return g / (1 + Math.exp(-moe.alpha() * g)) * (l + moe.beta());
  }

  private static double activate(Activation activation, double x) {
    return switch (activation) {
      case RELU -> Math.max(0, x);
      case GELU -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case SILU -> x / (1 + Math.exp(-x));
      case IDENTITY -> x;
      case SWIGLU_INTERLEAVED, SWIGLU_HALVES -> throw new AssertionError(activation);
    };
  }
}
