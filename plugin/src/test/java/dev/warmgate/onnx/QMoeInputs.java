package dev.warmgate.onnx;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec.Router;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** What a model of {@link QMoeModels} is run on. */
public final class QMoeInputs {
  private final float[] hidden;
  private final List<float[]> routers;
  private final List<float[]> shares;

  QMoeInputs(float[] hidden, List<float[]> routers, List<float[]> shares) {
    this.hidden = hidden;
    this.routers = routers;
    this.shares = shares;
  }

  /** Random inputs that the model's type can hold. */
  public static QMoeInputs random(QMoeModelSpec spec, int tokens, Random random) {
    float[] hidden = gaussians(spec, random, tokens * spec.moe().hidden());
    List<float[]> routers = new ArrayList<>();
    List<float[]> shares = new ArrayList<>();
    for (int layer = 0; layer < spec.moe().layers(); layer++) {
      if (spec.moe().router() == Router.INPUT) {
        routers.add(gaussians(spec, random, tokens * spec.moe().experts()));
      }
      if (spec.routerWeights()) {
        // Negative ones too: they count as none.
        shares.add(gaussians(spec, random, tokens * spec.moe().experts()));
      }
    }
    return new QMoeInputs(hidden, routers, shares);
  }

  static float[] gaussians(QMoeModelSpec spec, Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      float value = (float) random.nextGaussian();
      values[i] =
          spec.type() == ElementType.FLOAT16
              ? Float.float16ToFloat(Float.floatToFloat16(value))
              : value;
    }
    return values;
  }

  /** What {@link QMoeReference} makes of them. */
  public double[] expected(QMoeModelSpec spec) {
    return new QMoeReference(spec).run(hidden, routers, shares);
  }

  /** The same as floats. */
  public float[] byTheRules(QMoeModelSpec spec) {
    double[] exact = expected(spec);
    float[] values = new float[exact.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) exact[i];
    }
    return values;
  }

  /** What an engine is compared with: stock's output, unless that is known to be off. */
  public float[] oracle(QMoeModelSpec spec, QMoeSession stock) throws OrtException {
    float[] output = run(stock);
    return spec.stockIsOff() ? byTheRules(spec) : output;
  }

  /** The model's output. */
  public float[] run(QMoeSession session) throws OrtException {
    return session.run(hidden, routers, shares);
  }
}
