package dev.warmgate.triton;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.onnx.MoeModelSpec;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Inputs of a generated model, and what ONNX Runtime alone makes of them: the oracle.
 *
 * @param tokens rows of the input
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record MoeTensors(long tokens, int hidden, float[] input, float[] expected) {

  /** As many cases as told, of different lengths. */
  static List<MoeTensors> of(Path model, MoeModelSpec spec, int cases) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    List<MoeTensors> made = new ArrayList<>();
    try (OrtSession session = environment.createSession(model.toString())) {
      for (int i = 0; i < cases; i++) {
        Random random = new Random(i);
        int tokens = 1 + random.nextInt(6);
        float[] input = new float[tokens * spec.hidden()];
        for (int j = 0; j < input.length; j++) {
          input[j] = (float) random.nextGaussian();
        }
        long[] shape = {tokens, spec.hidden()};
        try (OnnxTensor tensor =
                OnnxTensor.createTensor(environment, FloatBuffer.wrap(input), shape);
            OrtSession.Result result = session.run(Map.of("hidden", tensor))) {
          FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
          float[] expected = new float[values.remaining()];
          values.get(expected);
          made.add(new MoeTensors(tokens, spec.hidden(), input, expected));
        }
      }
    }
    return made;
  }

  List<TestTensor> inputs() {
    return List.of(TestTensor.floats("hidden", new long[] {tokens, hidden}, input));
  }

  /** Whether an answer is the oracle's, up to the rounding of sums. */
  boolean matches(Reply reply) {
    float[] actual = reply.floats("output");
    if (actual.length != expected.length) {
      return false;
    }
    double scale = 0;
    double error = 0;
    for (int i = 0; i < expected.length; i++) {
      scale = Math.max(scale, Math.abs(expected[i]));
      error = Math.max(error, Math.abs((double) expected[i] - actual[i]));
    }
    return error <= 1e-5 * scale; // false for NaN
  }
}
