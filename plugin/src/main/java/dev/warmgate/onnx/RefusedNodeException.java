package dev.warmgate.onnx;

/** Why a MoE node isn't served: one line that names the attribute or the input. */
public final class RefusedNodeException extends Exception {
  private static final long serialVersionUID = 1L;

  private final boolean malformed;

  private RefusedNodeException(String reason, boolean malformed) {
    super(reason);
    this.malformed = malformed;
  }

  /** The node may be sound, but isn't served here. */
  static RefusedNodeException unsupported(String reason) {
    return new RefusedNodeException(reason, false);
  }

  /** The node contradicts itself or its operator. */
  static RefusedNodeException malformed(String reason) {
    return new RefusedNodeException(reason, true);
  }

  /** Whether nobody could serve the node. */
  public boolean isMalformed() {
    return malformed;
  }
}
