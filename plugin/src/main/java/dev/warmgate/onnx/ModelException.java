package dev.warmgate.onnx;

import java.io.IOException;

/**
 * A model can't be used; the message is one line that names the file, the tensor or node, and why.
 */
public final class ModelException extends IOException {
  private static final long serialVersionUID = 1L;

  public ModelException(String message) {
    super(message);
  }

  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
