package dev.warmgate.residency.store;

import java.io.IOException;

/** A store can't be used; the message is one line that names the file and says why. */
public final class StoreException extends IOException {
  private static final long serialVersionUID = 1L;

  public StoreException(String message) {
    super(message);
  }
}
