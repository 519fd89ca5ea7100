package dev.warmgate.kernels;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a route should be, by sorting, straight from the definition in {@link Kernels#route}. Sums
 * are in double precision; scores are in float, as the definition has them.
 */
final class RouteReference {
  /** A token's route. */
  record Row(
      List<Integer> route,
      List<Double> weights,
      List<Integer> displaced,
      double kept,
      int misses) {}

  private final RouteCase c;
  private float range;

  RouteReference(RouteCase c) {
    this.c = c;
  }

  /** Δ now. */
  float range() {
    return range;
  }

  /** The next token; null if nothing can be chosen. */
  Row next(float[] logits, BitSet residents, float lambda) {
    float[] z = logits.clone();
    for (int e = 0; e < z.length; e++) {
      z[e] = Float.isNaN(z[e]) ? Float.NEGATIVE_INFINITY : z[e];
    }
    List<Integer> order = sorted(z, byLogit(z));
    if (order.isEmpty()) {
      return null;
    }
    int k = Math.min(c.topK(), order.size());
    List<Integer> model = order.subList(0, k);
    List<Integer> route =
        switch (c.policy()) {
          case LOSSLESS -> model;
          case ADDITIVE -> byScore(z, residents, lambda);
          case CACHE_PRIOR -> {
            learn(z);
            BitSet liked = (BitSet) residents.clone();
            order.stream().limit(c.keepTop()).forEach(liked::set);
            yield byScore(z, liked, Math.min(lambda * range, Float.MAX_VALUE));
          }
          case MAX_RANK -> byRank(order, residents);
        };
    route = route.stream().limit(k).sorted(byLogit(z)).toList();
    List<Integer> displaced = new ArrayList<>(model);
    displaced.removeAll(route);
    int misses = (int) route.stream().filter(e -> !residents.get(e)).count();
    double kept = mass(z, route, z[order.get(0)]) / mass(z, model, z[order.get(0)]);
    return new Row(route, weights(z, route, order), displaced, kept, misses);
  }

  private void learn(float[] z) {
    float max = Float.NEGATIVE_INFINITY;
    float min = Float.POSITIVE_INFINITY;
    for (float v : z) {
      if (v > -3e38f && Float.isFinite(v)) {
        max = Math.max(max, v);
        min = Math.min(min, v);
      }
    }
    if (max >= min) {
      float r = Math.min(Float.MAX_VALUE, max - min);
      range = Math.min(Float.MAX_VALUE, range == 0 ? r : range + c.rangeRate() * (r - range));
    }
  }

  private List<Integer> byScore(float[] z, BitSet liked, float bonus) {
    float[] score = z.clone();
    liked.stream().filter(e -> e < z.length).forEach(e -> score[e] += bonus);
    return sorted(
        z, Comparator.comparing((Integer e) -> -(0f + score[e])).thenComparing(byLogit(z)));
  }

  private List<Integer> byRank(List<Integer> order, BitSet residents) {
    List<Integer> in = order.subList(0, Math.min(c.maxRank(), order.size()));
    List<Integer> route = new ArrayList<>(order.subList(0, Math.min(c.keepTop(), order.size())));
    in.stream().filter(residents::get).filter(e -> !route.contains(e)).forEach(route::add);
    in.stream().filter(e -> !route.contains(e)).forEach(route::add);
    order.stream().filter(e -> !route.contains(e)).forEach(route::add);
    return route;
  }

  private static List<Integer> sorted(float[] z, Comparator<Integer> by) {
    return IntStream.range(0, z.length)
        .filter(e -> z[e] > Float.NEGATIVE_INFINITY)
        .boxed()
        .sorted(by)
        .toList();
  }

  /** 0f + x makes −0 equal to 0, as comparing floats does. */
  private Comparator<Integer> byLogit(float[] z) {
    return Comparator.comparing((Integer e) -> -(0f + z[e]))
        .thenComparing(e -> c.ties() == Ties.LOWER_ID ? e : -e);
  }

  private List<Double> weights(float[] z, List<Integer> route, List<Integer> order) {
    List<Integer> all = c.over() == Denominator.ALL ? order : route;
    float max = z[all.get(0)];
    double sum = mass(z, all, max);
    return route.stream().map(e -> mass(z, List.of(e), max) / sum).toList();
  }

  private static double mass(float[] z, List<Integer> experts, float max) {
    return experts.stream().mapToDouble(e -> z[e] == max ? 1 : Math.exp((double) z[e] - max)).sum();
  }
}
