package dev.warmgate.benchmarks;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.warmgate.host.ort.WarmgateProvider;
import java.util.Map;

/** Sessions to be measured. They log nothing but errors. */
public final class Sessions {
  /** Keeps ONNX Runtime from laying out weights anew; often it is faster, and smaller, so. */
  public static final Map<String, String> NO_PREPACKING = Map.of("session.disable_prepacking", "1");

  private Sessions() {}

  /** One environment a process. */
  public static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
  }

  /** Warmgate in this process. */
  public static WarmgateProvider warmgate() {
    return WarmgateProvider.register(environment());
  }

  /**
   * Opens a model.
   *
   * @param threads that compute
   * @param entries of ONNX Runtime's session configuration
   * @param warmgate Warmgate's options; null for ONNX Runtime alone
   */
  public static OrtSession open(
      String model, int threads, Map<String, String> entries, Map<String, String> warmgate)
      throws OrtException {
    OrtEnvironment environment = environment();
    try (var options = new OrtSession.SessionOptions()) {
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      options.setIntraOpNumThreads(threads);
      for (Map.Entry<String, String> entry : entries.entrySet()) {
        options.addConfigEntry(entry.getKey(), entry.getValue());
      }
      if (warmgate != null) {
        warmgate().addTo(options, warmgate);
      }
      return environment.createSession(model, options);
    }
  }
}
