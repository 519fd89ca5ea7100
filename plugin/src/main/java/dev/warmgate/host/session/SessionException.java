package dev.warmgate.host.session;

/** A call into ONNX Runtime that it answered with an error. */
public final class SessionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SessionException(String message) {
    super(message);
  }
}
