// A fused route: selection, combine weights, and what residents displaced, token by token. Kernels.java
// says what it means. Include after finish.h and range.h; every tier has its own copy, with internal linkage.
#ifndef WARMGATE_ROUTE_H
#define WARMGATE_ROUTE_H

namespace {

WG_INLINE float smallest(vf a) { return -largest(sub(splat(0.0f), a)); }

// The smaller of each lane, where z isn't a mask.
WG_INLINE vf least_of(vf least, vf z) {
  return min_nan(least, select(gt(z, splat(MASKED)), z, splat(__builtin_inff())));
}

// `range` is for PRIOR.
WG_INLINE float bonus_of(const Route& r, Policy policy, float range) {
  if (policy == PRIOR) return smaller(r.lambda * range, __FLT_MAX__);
  return policy == BONUS ? r.lambda : 0;
}

// The first n values, at most a vector of them, and -infinity.
WG_INLINE vf load_some(const float* p, int64_t n) {
  const vf none = splat(minus_infinity());
  if (n >= LANES) return load(p);
  return n > 0 ? load_first(p, n, none) : none;
}

// Up to N experts, N <= BLOCK: all are candidates. False if there is nothing to choose from.
template <int N>
WG_INLINE bool route_few(const Route& r, Policy policy, const Token& t, Candidates& c) {
  const vf none = splat(minus_infinity());
  Values<N> z;
#pragma GCC unroll 4
  for (int b = 0; b < z.VECTORS; b++) {
    z.v[b] = max_or(load_some(t.logits + b * LANES, r.plan->experts - b * LANES), none);
  }
  if (!where<N>([&](int b) { return gt(z.v[b], none); })) return false;
  store_values<N>(c.z, z);
  in_memory<N>(c.z);
  c.resident = r.residents ? resident_bits(r.residents, 0) : 0;
  float range = 0;
  if (policy == PRIOR) {
    vf least = splat(__builtin_inff());
#pragma GCC unroll 4
    for (int b = 0; b < z.VECTORS; b++) least = least_of(least, z.v[b]);
    range = learn(r.plan, t.logits, largest<N>(z), smallest(least));
  }
  Total total = {r.plan->all ? ALL_CANDIDATES : THE_CHOSEN, 0, 0};
  finish_fast<N, true>(r, policy, c, t, z, bonus_of(r, policy, range), total);
  return true;
}

// The maxima of M columns of the logits, for a bound: if k columns reach it, so do k experts, and hardly
// more do. `resident` has those of the residents alone.
template <int M>
struct Columns {
  Values<M> all;
  Values<M> resident;
  vf least;
};

template <int M>
WG_INLINE Columns<M> scan(const Route& r, Policy policy, const float* logits) {
  const int64_t experts = r.plan->experts;
  const vf none = splat(minus_infinity());
  const bool with_bonus = policy == BONUS || (policy == PRIOR && r.scored);
  Columns<M> columns;
  columns.least = splat(__builtin_inff());
#pragma GCC unroll 8
  for (int g = 0; g < columns.all.VECTORS; g++) columns.all.v[g] = columns.resident.v[g] = none;
  auto add_vector = [&](int g, int64_t e, vf z) __attribute__((always_inline)) {
    columns.all.v[g] = max_or(z, columns.all.v[g]);
    if (policy == PRIOR) columns.least = least_of(columns.least, z);
    if (with_bonus) {
      vm mine = from_bits((uint32_t)resident_bits(r.residents, e));
      columns.resident.v[g] = max_or(select(mine, z, none), columns.resident.v[g]);
    }
  };
  int64_t e = 0;
  for (; e + M <= experts; e += M) {
#pragma GCC unroll 8
    for (int g = 0; g < columns.all.VECTORS; g++) {
      add_vector(g, e + g * LANES, load(logits + e + g * LANES));
    }
  }
#pragma GCC unroll 8
  for (int g = 0; g < columns.all.VECTORS; g++) {
    int64_t at = e + g * LANES;
    if (at < experts) add_vector(g, at, load_some(logits + at, experts - at));
  }
  return columns;
}

// At least the least finite number: -infinity is no candidate.
WG_INLINE vf bound(float least) { return splat(least > -__FLT_MAX__ ? least : -__FLT_MAX__); }

template <int M>
WG_INLINE vf bound(const Values<M>& columns, int32_t k) {
  return bound(k <= M ? kth_largest<M>(columns, k) : minus_infinity());
}

// The same for columns whose largest value is known; lower than it need be if two have it.
template <int M>
WG_INLINE vf bound(const Values<M>& columns, int32_t k, float max) {
  if (k > 2) return bound<M>(columns, k);
  if (k == 1) return bound(max);
  Values<M> others;
#pragma GCC unroll 8
  for (int g = 0; g < columns.VECTORS; g++) {
    others.v[g] = select(eq(columns.v[g], splat(max)), splat(minus_infinity()), columns.v[g]);
  }
  return bound(largest<M>(others));
}

// By value, so that the caller's stay in registers.
__attribute__((noinline)) Bounds make_room(Route r, Candidates& c, float bonus, Bounds bounds) {
  if (r.plan->higher_id) {
    prune<true>(c, r.by_logit, r.by_score, bonus, bounds);
  } else {
    prune<false>(c, r.by_logit, r.by_score, bonus, bounds);
  }
  return bounds;
}

// The experts that reach a bound become candidates.
WG_INLINE void filter(const Route& r, Policy policy, const Token& t, float bonus, Bounds bounds,
                      Candidates& c) {
  const int64_t experts = r.plan->experts;
  // Kept in registers: as members they would be written and read for each vector.
  int64_t count = 0;
  uint64_t residents = 0;
  vi id = lane_numbers();
  auto add_vector = [&](int64_t e, vf z) __attribute__((always_inline)) {
    vm reach = ge(z, bounds.logit);
    uint64_t resident = r.residents ? resident_bits(r.residents, e) : 0;
    if (policy == BONUS || (policy == PRIOR && r.scored)) {
      reach = either(reach, ge(add_where(z, resident, splat(bonus)), bounds.score));
    }
    pack(c.z + count, c.id + count, z, id, reach);
    uint32_t set = bits(reach);
    // GCC must not know that the upper bits are 0: it would count in a 16-bit register, which waits for
    // what was in it before.
    __asm__("" : "+r"(set));
    if (r.residents) residents |= (uint64_t)pack_bits((uint32_t)resident, set) << count;
    count += __builtin_popcount(set);
    id = add_int(id, splat_int(LANES));
  };
  auto make_room_for_block = [&]() __attribute__((always_inline)) {
    if (__builtin_expect(count <= MOST, true)) return;
    c.count = count;
    c.resident = residents;
    bounds = make_room(r, c, bonus, bounds);
    count = c.count;
    residents = c.resident;
  };
  int64_t e = 0;
  for (; e + BLOCK <= experts; e += BLOCK) {
    make_room_for_block();
#pragma GCC unroll 4
    for (int i = 0; i < BLOCK; i += LANES) add_vector(e + i, load(t.logits + e + i));
  }
  make_room_for_block();
  for (; e < experts; e += LANES) add_vector(e, load_some(t.logits + e, experts - e));
  // Behind the last: a block at least, as many as one finish takes in.
  c.count = count;
  c.resident = residents;
  int64_t i = count;
  do {
    for (int b = 0; b < BLOCK; b += LANES) store(c.z + i + b, splat(minus_infinity()));
    i += BLOCK;
  } while (count > BLOCK && i < CAPACITY);
}

// Any number of experts.
template <int M>
WG_INLINE bool route_many(const Route& r, Policy policy, const Token& t, Candidates& c) {
  Columns<M> columns = scan<M>(r, policy, t.logits);
  const float max = largest<M>(columns.all);
  if (max == minus_infinity()) return false;
  const float range =
      policy == PRIOR ? learn(r.plan, t.logits, max, smallest(columns.least)) : 0;
  const float bonus = bonus_of(r, policy, range);

  Bounds bounds = {splat(__builtin_inff()), splat(__builtin_inff())};
  if (r.by_logit) bounds.logit = bound<M>(columns.all, r.by_logit, max);
  if (policy == BONUS || (policy == PRIOR && r.scored)) {
    for (int g = 0; g < columns.all.VECTORS; g++) {
      vf with_bonus = add(columns.resident.v[g], splat(bonus));
      columns.all.v[g] = max_or(with_bonus, columns.all.v[g]);
    }
    bounds.score = bound<M>(columns.all, r.by_score);
  }
  filter(r, policy, t, bonus, bounds, c);

  Total total = {THE_CHOSEN, max, 0};
  if (r.plan->all) {
    const int64_t experts = r.plan->experts;
    vf sums = splat(0.0f);
    for (int64_t e = 0; e < experts; e += LANES) {
      sums = add(sums, share(load_some(t.logits + e, experts - e), splat(max)));
    }
    total.basis = GIVEN;
    total.sum = sum(sums);
  }
  if (c.count <= BLOCK) {
    finish_fast<BLOCK, false>(r, policy, c, t, load_values<BLOCK>(c.z), bonus, total);
  } else if (c.count <= 2 * BLOCK) {
    if (policy == RANKED) {
      // Its lists are long: this many are common.
      finish_fast<2 * BLOCK, false>(r, policy, c, t, load_values<2 * BLOCK>(c.z), bonus, total);
    } else {
      finish_exactly<2 * BLOCK>(r, c, t, bonus, total);
    }
  } else {
    finish_exactly<CAPACITY>(r, c, t, bonus, total);
  }
  return true;
}

// A shape of the work, the same for all tokens of a call.
enum Kind { FEW_8, FEW_16, MANY_16, MANY_32 };

template <Kind KIND, Policy POLICY, bool EXTRAS>
WG_INLINE int32_t route_tokens(wg_route* plan, float lambda, int64_t tokens,
                               const uint64_t* residents, Token t) {
  const int32_t k = plan->top_k;
  Route r = {plan, POLICY, lambda, residents, POLICY != PLAIN, EXTRAS, k, 0};
  if (POLICY == PRIOR) r.scored = residents && lambda > 0 && plan->keep_top < k;
  if (POLICY == RANKED) r.by_logit = plan->max_rank;
  if ((POLICY == BONUS || POLICY == PRIOR) && r.scored) {
    r.by_score = k;
    if (!EXTRAS) r.by_logit = POLICY == PRIOR ? plan->keep_top : 0;
  }
  if (!r.scored && !EXTRAS) r.residents = nullptr;
  Candidates c;
  for (int64_t i = 0; i < tokens;) {
    bool found;
    if constexpr (KIND == FEW_8) found = route_few<8>(r, POLICY, t, c);
    if constexpr (KIND == FEW_16) found = route_few<16>(r, POLICY, t, c);
    if constexpr (KIND == MANY_16) found = route_many<16>(r, POLICY, t, c);
    if constexpr (KIND == MANY_32) found = route_many<32>(r, POLICY, t, c);
    if (!found) return (int32_t)i;
    if (++i == tokens) break;
    t.logits += plan->experts;
    t.ids += k;
    t.weights += k;
    if (EXTRAS && t.displaced) t.displaced += k;
    if (EXTRAS && t.kept) t.kept++;
    if (EXTRAS && t.misses) t.misses++;
  }
  return -1;
}

// Without extras all arguments come in registers, and fewer are kept in them.
template <Kind KIND, Policy POLICY>
__attribute__((noinline)) int32_t route_lean(wg_route* plan, float lambda, const float* logits,
                                             int64_t tokens, const uint64_t* residents,
                                             int32_t* ids, float* weights) {
  const Token t = {logits, ids, weights, nullptr, nullptr, nullptr};
  return route_tokens<KIND, POLICY, false>(plan, lambda, tokens, residents, t);
}

template <Kind KIND, Policy POLICY>
__attribute__((noinline)) int32_t route_full(wg_route* plan, float lambda, int64_t tokens,
                                             const uint64_t* residents, Token t) {
  return route_tokens<KIND, POLICY, true>(plan, lambda, tokens, residents, t);
}

template <Kind KIND, Policy POLICY>
struct Shape {
  static constexpr Kind kind = KIND;
  static constexpr Policy policy = POLICY;
};

template <Policy POLICY, typename F>
WG_INLINE int32_t with_policy(const wg_route* plan, F run) {
  if (plan->experts <= 8) return run(Shape<FEW_8, POLICY>());
  if (plan->experts <= BLOCK) return run(Shape<FEW_16, POLICY>());
  // The longest list of the best that may be wanted.
  int32_t longest = POLICY == RANKED ? plan->max_rank : plan->top_k;
  return longest <= 8 ? run(Shape<MANY_16, POLICY>()) : run(Shape<MANY_32, POLICY>());
}

// Runs what fits the call.
template <typename F>
WG_INLINE int32_t with_shape(const wg_route* plan, float lambda, const uint64_t* residents, F run) {
  switch (plan->policy) {
    case WG_ROUTE_ADDITIVE:
      if (residents && lambda > 0) return with_policy<BONUS>(plan, run);
      break;
    case WG_ROUTE_CACHE_PRIOR:
      return with_policy<PRIOR>(plan, run);
    case WG_ROUTE_MAX_RANK:
      if (residents && plan->max_rank > plan->top_k) return with_policy<RANKED>(plan, run);
      break;
  }
  return with_policy<PLAIN>(plan, run);
}

}  // namespace

#endif
