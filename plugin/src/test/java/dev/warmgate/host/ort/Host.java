package dev.warmgate.host.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.warmgate.onnx.MoeModelSpec;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;

/** A session of a generated model as a user makes one, with the provider or without. */
final class Host implements AutoCloseable {
  private static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

  private final OrtSession session;
  private final MoeModelSpec spec;

  private Host(OrtSession session, MoeModelSpec spec) {
    this.session = session;
    this.spec = spec;
  }

  static WarmgateProvider provider() {
    return WarmgateProvider.register(ENVIRONMENT);
  }

  /** Registers the library under another name, and takes that back. */
  static void registerAgain() throws OrtException {
    ENVIRONMENT.registerExecutionProviderLibrary("Again", WarmgateProvider.library().toString());
    ENVIRONMENT.unregisterExecutionProviderLibrary("Again");
  }

  /** ONNX Runtime alone. */
  static Host stock(Path model, MoeModelSpec spec) throws OrtException {
    try (var options = options()) {
      return new Host(ENVIRONMENT.createSession(model.toString(), options), spec);
    }
  }

  /** With the provider; {@code given} is what the user says. */
  static Host warmgate(Path model, MoeModelSpec spec, Map<String, String> given)
      throws OrtException {
    try (var options = options()) {
      provider().addTo(options, given);
      return new Host(ENVIRONMENT.createSession(model.toString(), options), spec);
    }
  }

  /** An adapted model, with Warmgate's operators and no provider. */
  static Host adapted(Path model, MoeModelSpec spec, Map<String, String> given)
      throws OrtException {
    try (var options = options()) {
      WarmgateCustomOps.addTo(options, given);
      return new Host(ENVIRONMENT.createSession(model.toString(), options), spec);
    }
  }

  /** The same, the model's bytes instead of its file. */
  static Host adapted(byte[] model, Path folder, MoeModelSpec spec) throws OrtException {
    try (var options = options()) {
      options.addConfigEntry(CustomOpDomain.FOLDER_ENTRY, folder.toString());
      WarmgateCustomOps.addTo(options, Map.of());
      return new Host(ENVIRONMENT.createSession(model, options), spec);
    }
  }

  /** With the provider, the model's bytes instead of its file. */
  static Host warmgate(byte[] model, MoeModelSpec spec, Map<String, String> given)
      throws OrtException {
    try (var options = options()) {
      provider().addTo(options, given);
      return new Host(ENVIRONMENT.createSession(model, options), spec);
    }
  }

  /** The same, its external data in a folder that the host names. */
  static Host warmgate(byte[] model, Path folder, MoeModelSpec spec) throws OrtException {
    try (var options = options()) {
      options.addConfigEntry(CustomOpDomain.FOLDER_ENTRY, folder.toString());
      provider().addTo(options, Map.of());
      return new Host(ENVIRONMENT.createSession(model, options), spec);
    }
  }

  private static OrtSession.SessionOptions options() throws OrtException {
    var options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(2);
    options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
    return options;
  }

  /** Runs the model on random hidden states. */
  float[] run(int tokens, long seed) throws OrtException {
    Random random = new Random(seed);
    float[] hidden = new float[tokens * spec.hidden()];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = (float) random.nextGaussian();
    }
    return run(hidden);
  }

  /** Runs the model on {@code [tokens, hidden]}. */
  float[] run(float[] hidden) throws OrtException {
    long tokens = hidden.length / spec.hidden();
    long[] shape =
        spec.rank() == 3
            ? new long[] {1, tokens, spec.hidden()}
            : new long[] {tokens, spec.hidden()};
    try (OnnxTensor input = OnnxTensor.createTensor(ENVIRONMENT, FloatBuffer.wrap(hidden), shape);
        OrtSession.Result result = session.run(Map.of("hidden", input))) {
      FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] output = new float[values.remaining()];
      values.get(output);
      return output;
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }

  /** The largest difference, relative to the largest value; NaN if either has one. */
  static double error(float[] expected, float[] actual) {
    double scale = 0;
    double error = 0;
    for (int i = 0; i < expected.length; i++) {
      scale = Math.max(scale, Math.abs((double) expected[i]));
      error = Math.max(error, Math.abs((double) expected[i] - actual[i]));
    }
    return error / Math.max(scale, Double.MIN_NORMAL);
  }
}
