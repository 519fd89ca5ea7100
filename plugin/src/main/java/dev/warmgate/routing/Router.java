package dev.warmgate.routing;

import dev.warmgate.metrics.ControllerState;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A routing policy for one layer. */
public interface Router extends AutoCloseable {

  /**
   * Selects experts for every token of a call.
   *
   * @param logits gate logits, {@code f32[tokens, experts]}
   * @param tokens how many
   * @param residents the layer's residency mask, u64 words
   * @param selection receives ids and weights of every token
   * @throws RoutingException if a token has no finite logit; it says which
   * @throws IllegalArgumentException if a segment is too small
   */
  void route(MemorySegment logits, int tokens, MemorySegment residents, Selection selection);

  /** The strength of the policy's bias, 0 if it has none. */
  default float lambda() {
    return 0;
  }

  /** What makes that strength adapt, if something does. */
  default Optional<ControllerState> controller() {
    return Optional.empty();
  }

  @Override
  void close();
}
