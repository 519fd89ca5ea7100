package dev.warmgate.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs a generated model in ONNX Runtime as it comes, on one thread. */
public final class StockOrt implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final MoeModelSpec spec;

  public StockOrt(Path model, MoeModelSpec spec) throws OrtException {
    this.spec = spec;
    try (var options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      // Failures are expected here and seen as exceptions.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      session = environment.createSession(model.toString(), options);
    }
  }

  /**
   * The model's output.
   *
   * @param hidden {@code [tokens, hidden]}; of rank 3, as one batch entry
   * @param routers as for {@link MoeReference#run}
   */
  public float[] run(float[] hidden, List<float[]> routers) throws OrtException {
    Map<String, OnnxTensor> inputs = new HashMap<>();
    long tokens = hidden.length / spec.hidden();
    try {
      long[] shape =
          spec.rank() == 3
              ? new long[] {1, tokens, spec.hidden()}
              : new long[] {tokens, spec.hidden()};
      inputs.put("hidden", tensor(hidden, shape));
      for (int layer = 0; layer < routers.size(); layer++) {
        inputs.put(
            "router." + layer, tensor(routers.get(layer), new long[] {tokens, spec.experts()}));
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
    return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
