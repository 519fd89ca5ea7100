import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.warmgate.host.ort.WarmgateCustomOps;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Runs an adapted model as examples/hosts/host.cpp runs the original: AdaptedHost MODEL
 * EXPERT_MEMORY
 */
class AdaptedHost {
  public static void main(String[] arguments) throws Exception {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (var options = new OrtSession.SessionOptions()) {
      WarmgateCustomOps.addTo(options, Map.of("expert_memory", arguments[1]));
      try (OrtSession session = environment.createSession(arguments[0], options)) {
        Map<String, OnnxTensor> feeds = new HashMap<>();
        for (var input : session.getInputInfo().entrySet()) {
          TensorInfo tensor = (TensorInfo) input.getValue().getInfo();
          boolean ids = tensor.type == OnnxJavaType.INT64;
          long[] shape = tensor.getShape();
          for (int d = 0; d < shape.length; d++) {
            shape[d] = shape[d] >= 0 ? shape[d] : ids || d == 0 ? 1 : 0;
          }
          feeds.put(
              input.getKey(),
              ids
                  ? OnnxTensor.createTensor(environment, LongBuffer.wrap(new long[] {1}), shape)
                  : OnnxTensor.createTensor(environment, FloatBuffer.allocate(0), shape));
        }
        String logits = session.getOutputNames().iterator().next();
        FloatBuffer scores = ((OnnxTensor) session.run(feeds).get(0)).getFloatBuffer();
        double sum = 0;
        while (scores.hasRemaining()) {
          sum += scores.get();
        }
        System.out.printf(Locale.ROOT, "%s %.6g%n", logits, sum);
      }
    }
  }
}
