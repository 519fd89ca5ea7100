package dev.warmgate.routing;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.RoutePlan;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.metrics.ControllerState;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A router that has all of its work done by one kernel call. */
public final class PolicyRouter implements Router {
  /** How fast the range of a layer's logits is learned. */
  private static final float RANGE_RATE = 0.01f;

  private final Kernels kernels;
  private final RoutePlan plan;
  private final Lambda lambda;

  /**
   * A router for a layer.
   *
   * @param rule of the layer's operator
   * @param policy what is done with it
   * @param lambda its strength; ignored by policies that have none
   * @param keepTop so many best experts of a token are never displaced, 0 to k
   * @param maxRank the lowest rank from which a resident expert may be taken
   */
  public PolicyRouter(
      Kernels kernels, GateRule rule, RoutePolicy policy, Lambda lambda, int keepTop, int maxRank) {
    this.kernels = kernels;
    this.lambda = lambda;
    this.plan =
        new RoutePlan(
            rule.experts(),
            rule.topK(),
            rule.over(),
            rule.ties(),
            policy,
            keepTop,
            maxRank,
            RANGE_RATE);
  }

  /** The model's own selection, whatever is resident. */
  public static PolicyRouter lossless(Kernels kernels, GateRule rule) {
    return new PolicyRouter(kernels, rule, RoutePolicy.LOSSLESS, Lambda.fixed(0), 0, 1);
  }

  @Override
  public void route(
      MemorySegment logits, int tokens, MemorySegment residents, Selection selection) {
    selection.begin(tokens);
    int bad =
        kernels.route(
            plan,
            lambda.value(),
            logits,
            tokens,
            residents,
            selection.ids(),
            selection.weights(),
            selection.extras());
    if (bad >= 0) {
      throw new RoutingException(bad);
    }
    if (lambda.adapts()) {
      selection.tell(lambda);
    }
  }

  @Override
  public float lambda() {
    return lambda.value();
  }

  @Override
  public Optional<ControllerState> controller() {
    return lambda.controller();
  }

  @Override
  public void close() {
    plan.close();
  }
}
