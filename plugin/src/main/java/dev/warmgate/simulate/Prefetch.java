package dev.warmgate.simulate;

import java.util.Locale;

/** What experts are read ahead by. */
public enum Prefetch {
  /** Nothing is read ahead. */
  NONE,
  /** By which experts followed those of the layer before. */
  TRANSITION,
  /**
   * By the recorded logits of the layer that comes next. A session computes them from the hidden
   * state of the layer before, so this is the most that looking ahead can bring.
   */
  GATE;

  /** The name in options. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
