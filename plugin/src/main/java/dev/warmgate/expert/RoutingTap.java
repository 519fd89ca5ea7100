package dev.warmgate.expert;

import dev.warmgate.routing.Selection;
import java.lang.foreign.MemorySegment;

/** Watches what layers route. Called on the threads that execute them, which wait for it. */
@FunctionalInterface
public interface RoutingTap {
  /**
   * Takes one call; nothing of it may be kept.
   *
   * @param layer in the order of execution
   * @param logits gate logits, {@code f32[tokens, E]}
   * @param selection what was selected by them
   */
  void routed(int layer, MemorySegment logits, Selection selection);
}
