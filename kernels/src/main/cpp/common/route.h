// A fused route: selection, combine weights, and what residents displaced, token by token. Kernels.java
// says what it means. Include after select.h; every tier has its own copy, with internal linkage.
#ifndef WARMGATE_ROUTE_H
#define WARMGATE_ROUTE_H

namespace {

// What stays the same for all tokens of a call.
struct Route {
  wg_route* plan;
  float lambda;
  const uint64_t* residents;
  bool scored;       // residents may displace
  int32_t by_logit;  // how many of the best by logit must be among the candidates
  int32_t by_score;  // how many of the best by score
};

// A token and where its results go; those that aren't wanted are null.
struct Token {
  const float* logits;
  int32_t* ids;
  float* weights;
  int32_t* displaced;
  float* kept;
  int32_t* misses;
};

WG_INLINE vf load_some(const float* p, int64_t left) {
  const vf none = splat(minus_infinity());
  if (left >= LANES) return load(p);
  return left > 0 ? load_first(p, left, none) : none;
}

WG_INLINE float smaller(float a, float b) { return a < b ? a : b; }

constexpr float MASKED = -3e38f;  // logits up to here are exporters' masks and have no range

// The plan's running range learns a token's.
void learn(wg_route* plan, const float* logits, float max, float min) {
  if (max == __builtin_inff()) {
    // Infinite logits are left out.
    max = minus_infinity();
    for (int64_t e = 0; e < plan->experts; e++) {
      float z = get(logits, e);
      if (z > MASKED && z < __builtin_inff() && z > max) max = z;
    }
  }
  if (!(max >= min)) return;
  float now = smaller(max - min, __FLT_MAX__);
  float range = plan->range;
  float learnt = range == 0 ? now : range + plan->range_rate * (now - range);
  plan->range = smaller(learnt, __FLT_MAX__);
}

WG_INLINE float bonus_of(const Route& r) {
  switch (r.plan->policy) {
    case WG_ROUTE_ADDITIVE:
      return r.lambda;
    case WG_ROUTE_CACHE_PRIOR:
      return smaller(r.lambda * r.plan->range, __FLT_MAX__);
    default:
      return 0;
  }
}

// The chosen, as bits.
template <int N>
WG_INLINE uint64_t choose(const Route& r, const Values<N>& z, const Numbers<N>& rank, float bonus,
                          uint64_t resident) {
  const wg_route& plan = *r.plan;
  if (!r.scored) return less<N>(rank, plan.top_k);
  Values<N> score;
  if (plan.policy == WG_ROUTE_MAX_RANK) {
    for (int b = 0; b < z.VECTORS; b++) {
      vm near = gt_int(splat_int(plan.max_rank), rank.v[b]);
      vm here = both(near, from_bits((uint32_t)(resident >> (b * LANES))));
      vm top = gt_int(splat_int(plan.keep_top), rank.v[b]);
      score.v[b] = select(top, splat(2.0f), select(here, splat(1.0f), splat(0.0f)));
    }
  } else {
    if (plan.policy == WG_ROUTE_CACHE_PRIOR) resident |= less<N>(rank, plan.keep_top);
    for (int b = 0; b < z.VECTORS; b++) {
      score.v[b] = add_where(z.v[b], resident >> (b * LANES), splat(bonus));
    }
  }
  return less<N>(rank_by_score<N>(score, rank), plan.top_k);
}

// Sum of the members' values, in rising order of ids.
WG_INLINE float sum_of(const float* values, uint64_t members) {
  float sum = 0;
  for (; members; members &= members - 1) sum += values[__builtin_ctzll(members)];
  return sum;
}

template <int N>
__attribute__((noinline)) void write_extras(const Route& r, const Candidates& c, const Token& t,
                                            const Values<N>& z, const Numbers<N>& rank,
                                            uint64_t valid, uint64_t chosen) {
  const int32_t k = r.plan->top_k;
  if (t.misses) put(t.misses, 0, __builtin_popcountll(chosen & ~c.resident));
  if (!t.kept && !t.displaced) return;
  uint64_t model = r.scored ? less<N>(rank, k) & valid : chosen;
  if (t.kept) {
    alignas(64) float mass[N < LANES ? LANES : N];
    Values<N> e;
    vf max = splat(largest<N>(z));
    for (int b = 0; b < z.VECTORS; b++) e.v[b] = share(z.v[b], max);
    store_values<N>(mass, e);
    put(t.kept, 0, smaller(1.0f, sum_of(mass, chosen) / sum_of(mass, model)));
  }
  if (t.displaced) {
    uint64_t lost = model & ~chosen;
    alignas(64) int32_t place[N < LANES ? LANES : N];
    store_numbers<N>(place, place_among<N>(lost, rank));
    for (int64_t i = __builtin_popcountll(lost); i < k; i++) put(t.displaced, i, -1);
    for (; lost; lost &= lost - 1) {
      int i = __builtin_ctzll(lost);
      put(t.displaced, place[i], c.id[i]);
    }
  }
}

// From the first N candidates to the results. total: what the weights are shares of, relative to max; if
// it is 0, they are shares of the chosen.
template <int N, bool HIGHER>
WG_INLINE void finish(const Route& r, const Candidates& c, const Token& t, float bonus, float max,
                      float total) {
  const int32_t k = r.plan->top_k;
  const vf none = splat(minus_infinity());
  Values<N> z = load_values<N>(c.z);
  Numbers<N> rank = rank_by_logit<N, HIGHER>(c.z, z);
  const uint64_t valid = where<N>([&](int b) { return gt(z.v[b], none); });
  const uint64_t chosen = valid & choose<N>(r, z, rank, bonus, c.resident & valid);

  alignas(64) int32_t place[N < LANES ? LANES : N];
  store_numbers<N>(place, r.scored ? place_among<N>(chosen, rank) : rank);
  if (total == 0) {
    Values<N> mine;
    for (int b = 0; b < z.VECTORS; b++) {
      mine.v[b] = select(from_bits((uint32_t)(chosen >> (b * LANES))), z.v[b], none);
    }
    max = largest<N>(mine);
  }
  alignas(64) float weight[N < LANES ? LANES : N];
  Values<N> e;
  for (int b = 0; b < z.VECTORS; b++) e.v[b] = share(z.v[b], splat(max));
  if (total == 0) {
    store_values<N>(weight, e);
    total = sum_of(weight, chosen);
  }
  for (int b = 0; b < z.VECTORS; b++) e.v[b] = div(e.v[b], splat(total));
  store_values<N>(weight, e);

  for (int64_t i = __builtin_popcountll(chosen); i < k; i++) {
    put(t.ids, i, -1);
    put(t.weights, i, 0.0f);
  }
  for (uint64_t left = chosen; left; left &= left - 1) {
    int i = __builtin_ctzll(left);
    put(t.ids, place[i], c.id[i]);
    put(t.weights, place[i], weight[i]);
  }
  if (t.displaced || t.kept || t.misses) write_extras<N>(r, c, t, z, rank, valid, chosen);
}

// Up to N experts, N <= BLOCK: all are candidates.
template <int N, bool HIGHER>
bool route_few(const Route& r, const Token& t, Candidates& c) {
  const vf none = splat(minus_infinity());
  const vf far = splat(__builtin_inff());
  Values<N> z;
  vf least = far;
#pragma GCC unroll 4
  for (int b = 0; b < z.VECTORS; b++) {
    vf all = load_some(t.logits + b * LANES, r.plan->experts - b * LANES);
    z.v[b] = max_or(all, none);
    least = min_nan(least, select(gt(z.v[b], splat(MASKED)), z.v[b], far));
    store_int(c.id + b * LANES, add_int(lane_numbers(), splat_int(b * LANES)));
  }
  store_values<N>(c.z, z);
  c.resident = r.residents ? resident_bits(r.residents, 0) : 0;
  float max = largest<N>(z);
  if (max == minus_infinity()) return false;
  if (r.plan->policy == WG_ROUTE_CACHE_PRIOR) {
    learn(r.plan, t.logits, max, -largest(sub(splat(0.0f), least)));
  }
  float total = 0;
  if (r.plan->all) {
    vf shares = splat(0.0f);
    for (int b = 0; b < z.VECTORS; b++) shares = add(shares, share(z.v[b], splat(max)));
    total = sum(shares);
  }
  finish<N, HIGHER>(r, c, t, bonus_of(r), max, total);
  return true;
}

template <int M>
WG_INLINE float bound(const Values<M>& columns, int32_t k) {
  float least = k <= M ? kth_largest<M>(columns, k) : minus_infinity();
  return least > -__FLT_MAX__ ? least : -__FLT_MAX__;
}

// The experts that reach a bound become candidates.
template <bool HIGHER>
WG_INLINE void filter(const Route& r, const Token& t, float bonus, Bounds bounds, Candidates& c) {
  const int64_t experts = r.plan->experts;
  c.count = 0;
  c.resident = 0;
  vi id = lane_numbers();
  for (int64_t e = 0; e < experts; e += BLOCK) {
    if (c.count > MOST) prune<HIGHER>(c, r.by_logit, r.by_score, bonus, bounds);
#pragma GCC unroll 4
    for (int64_t at = e; at < e + BLOCK; at += LANES) {
      vf z = load_some(t.logits + at, experts - at);
      vm reach = ge(z, bounds.logit);
      uint64_t resident = r.residents && at < experts ? resident_bits(r.residents, at) : 0;
      if (r.by_score) {
        reach = either(reach, ge(add_where(z, resident, splat(bonus)), bounds.score));
      }
      pack(c.z + c.count, c.id + c.count, z, id, reach);
      uint32_t set = bits(reach);
      if (r.residents) c.resident |= (uint64_t)pack_bits((uint32_t)resident, set) << c.count;
      c.count += __builtin_popcount(set);
      id = add_int(id, splat_int(LANES));
    }
  }
  for (int64_t i = c.count; i < CAPACITY; i += BLOCK) {
    for (int b = 0; b < BLOCK; b += LANES) store(c.z + i + b, splat(minus_infinity()));
  }
}

template <bool HIGHER>
__attribute__((noinline)) void finish_long(const Route& r, const Candidates& c, const Token& t,
                                           float bonus, float max, float total) {
  if (c.count <= 32) {
    finish<32, HIGHER>(r, c, t, bonus, max, total);
  } else {
    finish<CAPACITY, HIGHER>(r, c, t, bonus, max, total);
  }
}

// Any number of experts. The k-th largest of the maxima of M columns is a bound: at least k experts reach
// it, and hardly more do.
template <int M, bool HIGHER>
bool route_many(const Route& r, const Token& t, Candidates& c) {
  const wg_route& plan = *r.plan;
  const int64_t experts = plan.experts;
  const vf none = splat(minus_infinity());
  const vf far = splat(__builtin_inff());
  Values<M> best;
  Values<M> resident_best;
  vf least = far;
#pragma GCC unroll 8
  for (int g = 0; g < best.VECTORS; g++) best.v[g] = resident_best.v[g] = none;
  const bool ranged = plan.policy == WG_ROUTE_CACHE_PRIOR;
  for (int64_t e = 0; e < experts; e += M) {
#pragma GCC unroll 8
    for (int g = 0; g < best.VECTORS; g++) {
      int64_t at = e + g * LANES;
      if (at >= experts) break;
      vf z = load_some(t.logits + at, experts - at);
      best.v[g] = max_or(z, best.v[g]);
      if (r.by_score) {
        vm mine = from_bits((uint32_t)resident_bits(r.residents, at));
        resident_best.v[g] = max_or(select(mine, z, none), resident_best.v[g]);
      }
      if (ranged) least = min_nan(least, select(gt(z, splat(MASKED)), z, far));
    }
  }
  float max = largest<M>(best);
  if (max == minus_infinity()) return false;
  if (ranged) learn(r.plan, t.logits, max, -largest(sub(splat(0.0f), least)));
  const float bonus = bonus_of(r);

  // At least the least finite number: -infinity is no candidate.
  Bounds bounds = {splat(__builtin_inff()), splat(__builtin_inff())};
  if (r.by_logit) bounds.logit = splat(bound(best, r.by_logit));
  if (r.by_score) {
    for (int g = 0; g < best.VECTORS; g++) {
      best.v[g] = max_or(add(resident_best.v[g], splat(bonus)), best.v[g]);
    }
    bounds.score = splat(bound(best, r.by_score));
  }
  filter<HIGHER>(r, t, bonus, bounds, c);

  float total = 0;
  if (plan.all) {
    vf shares = splat(0.0f);
    for (int64_t e = 0; e < experts; e += LANES) {
      shares = add(shares, share(load_some(t.logits + e, experts - e), splat(max)));
    }
    total = sum(shares);
  }
  if (c.count <= BLOCK) {
    finish<BLOCK, HIGHER>(r, c, t, bonus, max, total);
  } else {
    finish_long<HIGHER>(r, c, t, bonus, max, total);
  }
  return true;
}

template <bool HIGHER>
int32_t route(const Route& r, const Token& first, int64_t tokens) {
  Candidates c;
  const wg_route& plan = *r.plan;
  const bool few = plan.experts <= BLOCK;
  const bool short_list = r.by_logit <= 8 && r.by_score <= 8;
  Token t = first;
  for (int64_t i = 0; i < tokens; i++) {
    bool found = few          ? plan.experts <= 8 ? route_few<8, HIGHER>(r, t, c)
                                                  : route_few<BLOCK, HIGHER>(r, t, c)
                 : short_list ? route_many<16, HIGHER>(r, t, c)
                              : route_many<32, HIGHER>(r, t, c);
    if (!found) return (int32_t)i;
    t.logits += plan.experts;
    t.ids += plan.top_k;
    t.weights += plan.top_k;
    if (t.displaced) t.displaced += plan.top_k;
    if (t.kept) t.kept++;
    if (t.misses) t.misses++;
  }
  return -1;
}

int32_t route(wg_route* plan, float lambda, const uint64_t* residents, const Token& first,
              int64_t tokens) {
  Route r = {plan, lambda, residents, false, plan->top_k, 0};
  if (plan->policy == WG_ROUTE_MAX_RANK) {
    r.scored = residents && plan->max_rank > plan->top_k;
    if (r.scored) r.by_logit = plan->max_rank;
  } else if (plan->policy != WG_ROUTE_LOSSLESS) {
    r.scored = residents && lambda > 0;
    if (r.scored) {
      r.by_score = plan->top_k;
      if (!first.kept && !first.displaced) {
        r.by_logit = plan->policy == WG_ROUTE_CACHE_PRIOR ? plan->keep_top : 0;
      }
    }
  }
  if (!r.scored && !first.misses) r.residents = nullptr;
  return plan->higher_id ? route<true>(r, first, tokens) : route<false>(r, first, tokens);
}

}  // namespace

#endif
