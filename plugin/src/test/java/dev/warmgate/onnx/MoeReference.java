package dev.warmgate.onnx;

import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.MoeWeights.Part;
import java.util.Arrays;
import java.util.List;

/**
 * Computes a generated model in double precision, by the rules that ONNX Runtime's CPU kernel
 * follows; {@link MoeSemanticsTest} holds the two against each other.
 *
 * <p>Selection is by softmax over all experts, in float, ties to the higher id. A token whose
 * softmax isn't finite uses no expert at all. The combine weights are those softmax values, made to
 * sum to one if the model says so.
 */
public final class MoeReference {
  private final MoeModelSpec spec;
  private final MoeWeights weights;

  public MoeReference(MoeModelSpec spec) {
    this.spec = spec;
    this.weights = new MoeWeights(spec);
  }

  /**
   * The model's output.
   *
   * @param hidden {@code [tokens, hidden]}
   * @param routers gate logits {@code [tokens, experts]} of each layer with {@link Router#INPUT},
   *     otherwise empty
   * @return {@code [tokens, hidden]}
   */
  public double[] run(float[] hidden, List<float[]> routers) {
    double[] x = new double[hidden.length];
    Arrays.setAll(x, i -> hidden[i]);
    int tokens = hidden.length / spec.hidden();
    for (int layer = 0; layer < spec.layers(); layer++) {
      for (int token = 0; token < tokens; token++) {
        double[] row = Arrays.copyOfRange(x, token * spec.hidden(), (token + 1) * spec.hidden());
        float[] logits = new float[spec.experts()];
        for (int expert = 0; expert < logits.length; expert++) {
          logits[expert] =
              spec.router() == Router.INPUT
                  ? routers.get(layer)[token * spec.experts() + expert]
                  : (float) logit(layer, row, expert);
        }
        double[] out = token(layer, row, logits);
        for (int i = 0; i < row.length; i++) {
          x[token * spec.hidden() + i] += 0.5 * out[i];
        }
      }
    }
    return x;
  }

  /** The gate logits of layer 0 for {@code hidden}, {@code [tokens, experts]}. */
  public float[] logits(float[] hidden) {
    int tokens = hidden.length / spec.hidden();
    float[] all = new float[tokens * spec.experts()];
    for (int token = 0; token < tokens; token++) {
      double[] row = new double[spec.hidden()];
      for (int i = 0; i < row.length; i++) {
        row[i] = hidden[token * spec.hidden() + i];
      }
      for (int expert = 0; expert < spec.experts(); expert++) {
        all[token * spec.experts() + expert] = (float) logit(0, row, expert);
      }
    }
    return all;
  }

  private double logit(int layer, double[] x, int expert) {
    boolean biased = spec.router() == Router.MATMUL_BIAS || spec.router() == Router.GEMM;
    double sum = biased ? weights.value(layer, Part.GATE_BIAS, expert, 0, 0) : 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * weights.gate(layer, i, expert);
    }
    return sum;
  }

  private double[] token(int layer, double[] x, float[] logits) {
    double[] out = new double[x.length];
    float[] p = softmax(logits);
    List<Integer> chosen = choose(p, spec.topK());
    double sum = chosen.stream().mapToDouble(expert -> p[expert]).sum();
    for (int expert : chosen) {
      double weight = spec.normalize() ? p[expert] / sum : p[expert];
      if (weight > 0) {
        double[] y = expert(layer, x, expert);
        for (int i = 0; i < out.length; i++) {
          out[i] += weight * y[i];
        }
      }
    }
    return out;
  }

  private static float[] softmax(float[] logits) {
    float max = logits[0];
    for (float logit : logits) {
      max = max < logit ? logit : max;
    }
    float[] p = new float[logits.length];
    float sum = 0;
    for (int i = 0; i < p.length; i++) {
      p[i] = (float) Math.exp(logits[i] - max);
      sum += p[i];
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
    return p;
  }

  private static List<Integer> choose(float[] p, int count) {
    Integer[] ids = new Integer[p.length];
    Arrays.setAll(ids, i -> i);
    Arrays.sort(ids, (a, b) -> p[a] != p[b] ? Float.compare(p[b], p[a]) : b - a);
    return List.of(ids).subList(0, count);
  }

  private double[] expert(int layer, double[] x, int expert) {
    double[] rows = new double[spec.rows()];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = spec.bias() ? weights.value(layer, Part.FC1_BIAS, expert, row, 0) : 0;
      for (int i = 0; i < x.length; i++) {
        rows[row] += x[i] * weights.value(layer, Part.FC1, expert, row, i);
      }
    }
    double[] inner = new double[spec.inner()];
    for (int i = 0; i < inner.length; i++) {
      inner[i] =
          spec.activation().gated() ? swiglu(rows[2 * i], rows[2 * i + 1]) : activate(rows[i]);
    }
    double[] out = new double[spec.hidden()];
    for (int row = 0; row < out.length; row++) {
      out[row] = spec.bias() ? weights.value(layer, Part.FC2_BIAS, expert, row, 0) : 0;
      for (int i = 0; i < inner.length; i++) {
        out[row] += inner[i] * weights.value(layer, Part.FC2, expert, row, i);
      }
    }
    return out;
  }

  private double swiglu(double gate, double linear) {
    double limit = spec.limit();
    double g = Math.min(gate, limit);
    double l = Math.max(-limit, Math.min(limit, linear));
    return g / (1 + Math.exp(-spec.alpha() * g)) * (l + spec.beta());
  }

  private double activate(double x) {
    return switch (spec.activation()) {
      case RELU -> Math.max(0, x);
      case GELU -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case SILU -> x / (1 + Math.exp(-x));
      case IDENTITY -> x;
      case SWIGLU_INTERLEAVED, SWIGLU_HALVES -> throw new AssertionError(spec);
    };
  }
}
