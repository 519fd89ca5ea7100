package dev.warmgate.kernels;

/** The arguments of a {@link RoutePlan}. */
record RouteCase(
    int experts,
    int topK,
    Denominator over,
    Ties ties,
    RoutePolicy policy,
    int keepTop,
    int maxRank,
    float rangeRate) {

  static RouteCase of(int experts, int topK, RoutePolicy policy) {
    return new RouteCase(
        experts, topK, Denominator.SELECTED, Ties.LOWER_ID, policy, Math.min(2, topK), 12, 0.01f);
  }

  RouteCase with(Denominator denominator) {
    return new RouteCase(experts, topK, denominator, ties, policy, keepTop, maxRank, rangeRate);
  }

  RouteCase with(Ties rule) {
    return new RouteCase(experts, topK, over, rule, policy, keepTop, maxRank, rangeRate);
  }

  RouteCase with(RoutePolicy other) {
    return new RouteCase(experts, topK, over, ties, other, keepTop, maxRank, rangeRate);
  }

  RouteCase with(int keep, int rank) {
    return new RouteCase(experts, topK, over, ties, policy, keep, rank, rangeRate);
  }

  RoutePlan plan() {
    return new RoutePlan(experts, topK, over, ties, policy, keepTop, maxRank, rangeRate);
  }
}
