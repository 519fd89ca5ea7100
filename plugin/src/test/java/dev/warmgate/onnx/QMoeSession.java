package dev.warmgate.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs a model of {@link QMoeModels} in ONNX Runtime, as it comes or with a provider. */
public final class QMoeSession implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final QMoeModelSpec spec;

  /** Changes a session's options. */
  @FunctionalInterface
  public interface Setup {
    /** May refuse. */
    void apply(OrtSession.SessionOptions options) throws OrtException;
  }

  /**
   * ONNX Runtime as it comes, on one thread.
   *
   * @param configuration entries of the session's configuration
   */
  public QMoeSession(Path model, QMoeModelSpec spec, Map<String, String> configuration)
      throws OrtException {
    this(
        model,
        spec,
        options -> {
          options.setIntraOpNumThreads(1);
          for (Map.Entry<String, String> entry : configuration.entrySet()) {
            options.addConfigEntry(entry.getKey(), entry.getValue());
          }
        });
  }

  /** With what {@code setup} says. */
  public QMoeSession(Path model, QMoeModelSpec spec, Setup setup) throws OrtException {
    this.spec = spec;
    try (var options = new OrtSession.SessionOptions()) {
      // Failures are expected here and seen as exceptions.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      setup.apply(options);
      session = environment.createSession(model.toString(), options);
    }
  }

  /**
   * The model's output.
   *
   * @param hidden {@code [tokens, hidden]}; of rank 3, as one batch entry
   * @param routers as for {@link QMoeReference#run}
   * @param shares as for {@link QMoeReference#run}
   */
  public float[] run(float[] hidden, List<float[]> routers, List<float[]> shares)
      throws OrtException {
    MoeModelSpec moe = spec.moe();
    long tokens = hidden.length / moe.hidden();
    long[] perExpert = {tokens, moe.experts()};
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      inputs.put(
          "hidden",
          tensor(
              hidden,
              moe.rank() == 3
                  ? new long[] {1, tokens, moe.hidden()}
                  : new long[] {tokens, moe.hidden()}));
      for (int layer = 0; layer < routers.size(); layer++) {
        inputs.put("router." + layer, tensor(routers.get(layer), perExpert));
      }
      for (int layer = 0; layer < shares.size(); layer++) {
        inputs.put("weights." + layer, tensor(shares.get(layer), perExpert));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
        float[] output = new float[values.remaining()];
        values.get(output);
        return output;
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor tensor(float[] values, long[] shape) throws OrtException {
    if (spec.type() == ElementType.FLOAT) {
      return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
    }
    ShortBuffer halves =
        ByteBuffer.allocateDirect(2 * values.length).order(ByteOrder.nativeOrder()).asShortBuffer();
    for (float value : values) {
      halves.put(Float.floatToFloat16(value));
    }
    return OnnxTensor.createTensor(environment, halves.flip(), shape, OnnxJavaType.FLOAT16);
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
