package dev.warmgate.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Routing in plain Java, and its scratch memory. Every policy gives the experts a score; the route
 * is the best by score, then by logit, then by id.
 */
final class ScalarRoute {
  /** Logits up to here are masks of exporters and have no part in the range. */
  private static final float MASKED = -3e38f;

  private final RoutePlan plan;
  private final int experts;
  private final int topK;
  private final float[] z;
  private final float[] score;
  private final boolean[] resident;
  private final int[] best;
  private final int[] chosen;
  private int bestCount;
  private int count;

  ScalarRoute(RoutePlan plan) {
    this.plan = plan;
    experts = plan.experts();
    topK = plan.topK();
    z = new float[experts];
    score = new float[experts];
    resident = new boolean[experts];
    int ranks = plan.policy() == RoutePolicy.MAX_RANK ? plan.maxRank() : 0;
    best = new int[Math.max(topK, ranks)];
    chosen = new int[topK];
  }

  /** {@link Kernels#route}, behind the checks. */
  static int route(
      RoutePlan plan,
      float lambda,
      MemorySegment logits,
      int tokens,
      MemorySegment residents,
      MemorySegment ids,
      MemorySegment weights,
      RouteExtras extras) {
    ScalarRoute route = plan.takeScalar();
    try {
      route.readResidents(residents);
      for (int token = 0; token < tokens; token++) {
        route.readLogits(logits, token);
        if (!route.select(lambda)) {
          return token;
        }
        route.writeIds(token, ids, weights);
        route.writeExtras(token, extras);
      }
      return -1;
    } finally {
      plan.giveBack(route);
    }
  }

  private void readResidents(MemorySegment residents) {
    Arrays.fill(resident, false);
    for (int e = 0; e < experts && !Checks.isNull(residents); e++) {
      long word = residents.get(JAVA_LONG_UNALIGNED, (long) (e >>> 6) * Long.BYTES);
      resident[e] = (word >>> e & 1) != 0;
    }
  }

  private void readLogits(MemorySegment logits, int token) {
    long row = (long) token * experts * Float.BYTES;
    for (int e = 0; e < experts; e++) {
      float logit = logits.get(JAVA_FLOAT_UNALIGNED, row + (long) e * Float.BYTES);
      z[e] = Float.isNaN(logit) ? Float.NEGATIVE_INFINITY : logit;
    }
  }

  /** Fills {@code best} and {@code chosen}; false if there is nothing to choose from. */
  private boolean select(float lambda) {
    bestCount = top(z, best);
    if (bestCount == 0) {
      return false;
    }
    System.arraycopy(z, 0, score, 0, experts);
    switch (plan.policy()) {
      case LOSSLESS -> {}
      case ADDITIVE -> addToResidents(lambda);
      case CACHE_PRIOR -> {
        float bonus = Math.min(lambda * learnRange(), Float.MAX_VALUE);
        addToResidents(bonus);
        for (int i = 0; i < Math.min(plan.keepTop(), bestCount); i++) {
          score[best[i]] = z[best[i]] + bonus;
        }
      }
      case MAX_RANK -> {
        Arrays.fill(score, 0);
        for (int i = 0; i < Math.min(plan.maxRank(), bestCount); i++) {
          score[best[i]] = i < plan.keepTop() ? 2 : resident[best[i]] ? 1 : 0;
        }
      }
    }
    count = top(score, chosen);
    sortByLogit();
    return true;
  }

  private void addToResidents(float bonus) {
    for (int e = 0; e < experts; e++) {
      score[e] = resident[e] ? z[e] + bonus : z[e];
    }
  }

  private float learnRange() {
    float max = Float.NEGATIVE_INFINITY;
    float min = Float.POSITIVE_INFINITY;
    for (float logit : z) {
      if (logit > MASKED && logit < Float.POSITIVE_INFINITY) {
        max = Math.max(max, logit);
        min = Math.min(min, logit);
      }
    }
    if (!(max >= min)) {
      return plan.range();
    }
    return plan.sharedRange().learn(Math.min(max - min, Float.MAX_VALUE), plan.rangeRate());
  }

  /** The best by (score, logit, id), in falling order; as many as fit and can be chosen. */
  private int top(float[] by, int[] out) {
    int found = 0;
    for (int e = 0; e < experts; e++) {
      if (z[e] == Float.NEGATIVE_INFINITY
          || (found == out.length && !before(by, e, out[found - 1]))) {
        continue;
      }
      found = Math.min(found + 1, out.length);
      int at = found - 1;
      while (at > 0 && before(by, e, out[at - 1])) {
        out[at] = out[at - 1];
        at--;
      }
      out[at] = e;
    }
    return found;
  }

  private boolean before(float[] by, int a, int b) {
    if (by[a] != by[b]) {
      return by[a] > by[b];
    }
    if (z[a] != z[b]) {
      return z[a] > z[b];
    }
    return plan.ties() == Ties.LOWER_ID ? a < b : a > b;
  }

  private void sortByLogit() {
    for (int i = 1; i < count; i++) {
      int e = chosen[i];
      int at = i;
      while (at > 0 && before(z, e, chosen[at - 1])) {
        chosen[at] = chosen[at - 1];
        at--;
      }
      chosen[at] = e;
    }
  }

  private void writeIds(int token, MemorySegment ids, MemorySegment weights) {
    boolean all = plan.over() == Denominator.ALL;
    float max = z[all ? best[0] : chosen[0]];
    double sum = sum(chosen, count, max);
    if (all) {
      sum = 0;
      for (float logit : z) {
        sum += share(logit, max);
      }
    }
    long at = (long) token * topK;
    for (int i = 0; i < topK; i++, at++) {
      ids.set(JAVA_INT_UNALIGNED, at * Integer.BYTES, i < count ? chosen[i] : -1);
      float weight = i < count ? (float) (share(z[chosen[i]], max) / sum) : 0;
      weights.set(JAVA_FLOAT_UNALIGNED, at * Float.BYTES, weight);
    }
  }

  private void writeExtras(int token, RouteExtras extras) {
    if (!Checks.isNull(extras.kept())) {
      float max = z[best[0]];
      double model = sum(best, Math.min(bestCount, topK), max);
      float kept = (float) Math.min(1, sum(chosen, count, max) / model);
      extras.kept().set(JAVA_FLOAT_UNALIGNED, (long) token * Float.BYTES, kept);
    }
    if (!Checks.isNull(extras.misses())) {
      int misses = 0;
      for (int i = 0; i < count; i++) {
        misses += resident[chosen[i]] ? 0 : 1;
      }
      extras.misses().set(JAVA_INT_UNALIGNED, (long) token * Integer.BYTES, misses);
    }
    if (!Checks.isNull(extras.displaced())) {
      long row = (long) token * topK;
      int out = 0;
      int next = 0;
      // Both lists are in falling order of the logits.
      for (int i = 0; i < Math.min(bestCount, topK); i++) {
        if (next < count && chosen[next] == best[i]) {
          next++;
        } else {
          extras.displaced().set(JAVA_INT_UNALIGNED, (row + out++) * Integer.BYTES, best[i]);
        }
      }
      for (; out < topK; out++) {
        extras.displaced().set(JAVA_INT_UNALIGNED, (row + out) * Integer.BYTES, -1);
      }
    }
  }

  private double sum(int[] some, int n, float max) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += share(z[some[i]], max);
    }
    return sum;
  }

  private static double share(float logit, float max) {
    return ScalarRouting.exp(logit, max);
  }
}
