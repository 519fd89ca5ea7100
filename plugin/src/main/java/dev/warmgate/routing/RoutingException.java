package dev.warmgate.routing;

/** Gate logits from which no selection can be made. */
public final class RoutingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int token;

  /**
   * A token has no finite logit.
   *
   * @param token of the call, counted from 0
   */
  public RoutingException(int token) {
    this("", token);
  }

  private RoutingException(String where, int token) {
    super("%stoken %d has no finite gate logit".formatted(where, token));
    this.token = token;
  }

  /**
   * The same of a layer.
   *
   * @param layer its name
   * @param firstToken where the call begins in what the layer was given
   */
  public RoutingException in(String layer, int firstToken) {
    return new RoutingException(layer + ": ", firstToken + token);
  }
}
