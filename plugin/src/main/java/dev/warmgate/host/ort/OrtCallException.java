package dev.warmgate.host.ort;

/** A call into ONNX Runtime that it answered with an error. */
final class OrtCallException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  OrtCallException(String message) {
    super(message);
  }
}
