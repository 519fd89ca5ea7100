package dev.warmgate.routing;

import java.lang.foreign.MemorySegment;

/** A routing policy for one layer. */
public interface Router {

  /**
   * Selects experts for every token of a call.
   *
   * @param logits gate logits, {@code f32[tokens, experts]}
   * @param tokens how many
   * @param residents the layer's residency mask, u64 words
   * @param selection receives ids and weights of every token
   * @throws RoutingException if a token has no finite logit; it says which
   */
  void route(MemorySegment logits, int tokens, MemorySegment residents, Selection selection);
}
