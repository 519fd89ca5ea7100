package dev.warmgate.routing;

import dev.warmgate.kernels.Kernels;
import java.lang.foreign.MemorySegment;

/** The model's own selection, whatever is resident. */
public final class LosslessRouter implements Router {
  private final Kernels kernels;
  private final GateRule rule;

  /**
   * A router for a layer.
   *
   * @param rule of the layer's operator
   */
  public LosslessRouter(Kernels kernels, GateRule rule) {
    this.kernels = kernels;
    this.rule = rule;
  }

  @Override
  public void route(
      MemorySegment logits, int tokens, MemorySegment residents, Selection selection) {
    selection.begin(tokens);
    for (int token = 0; token < tokens; token++) {
      MemorySegment row = tokens == 1 ? logits : selection.logitRow(logits, token, rule.experts());
      MemorySegment ids = selection.idRow(token);
      int chosen =
          kernels.topK(row, rule.experts(), MemorySegment.NULL, 0, rule.topK(), rule.ties(), ids);
      if (chosen == 0) {
        throw new RoutingException(token);
      }
      kernels.gateWeights(
          row, rule.experts(), ids, rule.topK(), rule.over(), selection.weightRow(token));
    }
  }
}
