package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;

/** Prepares the options of a session before it is created, for instance by adding Warmgate. */
@FunctionalInterface
public interface SessionSetup {
  /**
   * Changes the options.
   *
   * @throws OrtException if ONNX Runtime refuses
   */
  void apply(OrtSession.SessionOptions options) throws OrtException;
}
