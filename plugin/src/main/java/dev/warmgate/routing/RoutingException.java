package dev.warmgate.routing;

/** Gate logits from which no selection can be made. */
public final class RoutingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message one line that names the token
   */
  public RoutingException(String message) {
    super(message);
  }
}
