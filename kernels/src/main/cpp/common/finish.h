// From candidates to a token's results: who is chosen, and with what weight. Include after select.h; every
// tier has its own copy, with internal linkage.
#ifndef WARMGATE_FINISH_H
#define WARMGATE_FINISH_H

namespace {

// What the plan's policy comes to in a call.
enum Policy {
  PLAIN,   // the best by logit
  BONUS,   // for residents
  PRIOR,   // bonus for residents and the best by logit, and the range learns
  RANKED,  // by class: the best, residents that are good enough, others
};

// What stays the same for all tokens of a call.
struct Route {
  wg_route* plan;
  Policy policy;
  float lambda;
  const uint64_t* residents;  // null if they don't matter
  bool scored;                // residents may displace; else the best by logit are chosen
  bool exact;                 // a quick finish can't give what is wanted
  int32_t by_logit;           // how many of the best by logit must be among the candidates
  int32_t by_score;           // how many of the best by score
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

__attribute__((noinline, cold)) void leave_empty(int32_t* ids, float* weights, int64_t from,
                                                  int64_t to) {
  for (int64_t i = from; i < to; i++) {
    put(ids, i, -1);
    put(weights, i, 0.0f);
  }
}

// What weights are shares of.
enum Basis { THE_CHOSEN, ALL_CANDIDATES, GIVEN };

// For GIVEN: the sum of exp(z - max) over all experts.
struct Total {
  Basis basis;
  float max;
  float sum;
};

// QUICK doesn't tell equal values apart; the others do, by the plan's rule.
enum Mode { QUICK, LOWER_FIRST, HIGHER_FIRST };

// Logits this near to 0 need no shift before exp: it is precise, and no sum overflows.
constexpr float MILD = 60.0f;

WG_INLINE float smaller(float a, float b) { return a < b ? a : b; }
WG_INLINE int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// Over the members, in rising order of ids: the bits depend on nothing else.
WG_INLINE float sum_of(const float* values, uint64_t members) {
  float sum = 0;
  for (; members; members &= members - 1) sum += values[__builtin_ctzll(members)];
  return sum;
}

WG_INLINE float largest_of(const float* values, uint64_t members) {
  float max = minus_infinity();
  for (; members; members &= members - 1) {
    float value = values[__builtin_ctzll(members)];
    max = value > max ? value : max;
  }
  return max;
}

template <int N>
WG_INLINE Values<N> shares(const Values<N>& z, float max) {
  Values<N> e;
#pragma GCC unroll 16
  for (int b = 0; b < z.VECTORS; b++) e.v[b] = share(z.v[b], splat(max));
  return e;
}

// z of the members, -infinity of the others.
template <int N>
WG_INLINE Values<N> only(uint64_t members, const Values<N>& z) {
  Values<N> mine;
#pragma GCC unroll 16
  for (int b = 0; b < z.VECTORS; b++) {
    vm m = from_bits((uint32_t)(members >> (b * LANES)));
    mine.v[b] = select(m, z.v[b], splat(minus_infinity()));
  }
  return mine;
}

// The candidates' scores; `top` are the best by logit, `near` those from which residents are taken.
template <int N>
WG_INLINE Values<N> scores_of(Policy policy, const Values<N>& z, const Numbers<N>& rank, uint64_t top,
                              uint64_t near, uint64_t resident, float bonus) {
  Values<N> score;
  if (policy == RANKED) {
    // By class, and within it by rank. All are different where the ranks are.
#pragma GCC unroll 16
    for (int b = 0; b < z.VECTORS; b++) {
      vf better = sub(splat(0.0f), to_float(rank.v[b]));
      vf one = add_where(better, (near & resident) >> (b * LANES), splat(2.0f * CAPACITY));
      score.v[b] = add_where(one, top >> (b * LANES), splat(4.0f * CAPACITY));
    }
    return score;
  }
  if (policy == PRIOR) resident |= top;
#pragma GCC unroll 16
  for (int b = 0; b < z.VECTORS; b++) {
    score.v[b] = add_where(z.v[b], resident >> (b * LANES), splat(bonus));
  }
  return score;
}

template <int N>
WG_INLINE void write_extras(const Route& r, const Candidates& c, const Token& t, const Values<N>& z,
                            uint64_t model, uint64_t chosen, const Numbers<N>& rank) {
  if (t.misses) put(t.misses, 0, __builtin_popcountll(chosen & ~c.resident));
  if (t.kept) {
    alignas(64) float mass[N < LANES ? LANES : N];
    store_values<N>(mass, shares<N>(z, largest<N>(z)));
    put(t.kept, 0, smaller(1.0f, sum_of(mass, chosen) / sum_of(mass, model)));
  }
  if (t.displaced) {
    uint64_t lost = model & ~chosen;
    alignas(64) int32_t place[N < LANES ? LANES : N];
    store_numbers<N>(place, place_among<N>(lost, rank));
    for (int64_t i = __builtin_popcountll(lost); i < r.plan->top_k; i++) put(t.displaced, i, -1);
    for (; lost; lost &= lost - 1) {
      int i = __builtin_ctzll(lost);
      put(t.displaced, place[i], c.id[i]);
    }
  }
}

// From the first N candidates to the results; z is what c.z holds. False if a quick finish found equal
// values that may matter; what it wrote is then wrong, but in its place.
//
// FEW: the candidates are the first N experts.
template <int N, Mode MODE, bool FEW>
WG_INLINE bool finish(const Route& r, Policy policy, const Candidates& c, const Token& t,
                      const Values<N>& z, float bonus, Total total) {
  constexpr int ROOM = N < LANES ? LANES : N;
  const int32_t k = r.plan->top_k;
  const uint64_t valid = where<N>([&](int b) { return gt(z.v[b], splat(minus_infinity())); });
  const int32_t possible = __builtin_popcountll(valid);
  const int32_t count = smaller(k, possible);
  const bool pair = MODE == QUICK && k == 2 && count == 2;

  Numbers<N> rank = {};
  if constexpr (MODE != QUICK) {
    rank = rank_by_logit<N, MODE == HIGHER_FIRST>(c.z, z);
  } else if (policy != BONUS) {
    rank = count_larger<N>(c.z, z);
  }
  uint64_t chosen = valid & less<N>(rank, k);
  [[maybe_unused]] const uint64_t model = chosen;
  alignas(64) int32_t place[ROOM];
  if (policy == PLAIN || (policy == PRIOR && !r.scored)) {
    if (!pair) store_numbers<N>(place, rank);
    if (MODE == QUICK && __builtin_popcountll(chosen) != count) return false;
  } else {
    const int32_t keep_top = policy == BONUS ? 0 : r.plan->keep_top;
    const uint64_t top = policy == BONUS ? 0 : valid & less<N>(rank, keep_top);
    if (MODE == QUICK && __builtin_popcountll(top) != smaller(keep_top, possible)) return false;
    uint64_t near = 0;
    if (policy == RANKED) {
      near = valid & less<N>(rank, r.plan->max_rank);
      if (MODE == QUICK && __builtin_popcountll(near) != smaller(r.plan->max_rank, possible)) {
        return false;
      }
    }
    alignas(64) float p[ROOM];
    const Values<N> score =
        scores_of<N>(policy, z, rank, top, near, valid & c.resident, bonus);
    store_values<N>(p, score);
    in_memory<N>(p);
    if constexpr (MODE == QUICK) {
      chosen = valid & less<N>(count_larger<N>(p, score), k);
      // Equal values at the border let in too many.
      if (__builtin_popcountll(chosen) != count) return false;
      if (!pair) {
        store_values<N>(p, only<N>(chosen, z));
        in_memory<N>(p);
        store_numbers<N>(place, count_larger<N>(p, z));
      }
    } else {
      chosen = valid & less<N>(rank_by_score<N>(p, score, rank), k);
      store_numbers<N>(place, place_among<N>(chosen, rank));
    }
  }

  alignas(64) float weight[ROOM];
  if (total.basis == GIVEN) {
    store_values<N>(weight, shares<N>(z, total.max));
  } else {
    const uint64_t sharing = total.basis == THE_CHOSEN ? chosen : valid;
    const uint64_t mild = where<N>(
        [&](int b) { return both(ge(z.v[b], splat(-MILD)), ge(splat(MILD), z.v[b])); });
    Values<N> e;
    if ((sharing & ~mild) == 0) {
#pragma GCC unroll 16
      for (int b = 0; b < z.VECTORS; b++) e.v[b] = exp(z.v[b]);
    } else {
      e = shares<N>(z, largest_of(c.z, sharing));
    }
    store_values<N>(weight, e);
    if (total.basis == THE_CHOSEN) {
      total.sum = sum_of(weight, chosen);
    } else {
      vf lanes = splat(0.0f);
#pragma GCC unroll 16
      for (int b = 0; b < z.VECTORS; b++) {
        vm m = from_bits((uint32_t)(valid >> (b * LANES)));
        lanes = add(lanes, select(m, e.v[b], splat(0.0f)));
      }
      total.sum = sum(lanes);
    }
  }
  const float factor = 1.0f / total.sum;

  if (pair) {
    // Two need no places.
    const int a = __builtin_ctzll(chosen);
    const int b = __builtin_ctzll(chosen & (chosen - 1));
    const bool a_second = c.z[b] > c.z[a];
    const bool b_second = c.z[a] > c.z[b];
    put(t.ids, a_second, FEW ? a : c.id[a]);
    put(t.ids, b_second, FEW ? b : c.id[b]);
    put(t.weights, a_second, weight[a] * factor);
    put(t.weights, b_second, weight[b] * factor);
    return a_second != b_second;
  }
  int32_t places = 0;
  for (uint64_t left = chosen; left; left &= left - 1) {
    int i = __builtin_ctzll(left);
    int32_t at = place[i];
    places += at;
    put(t.ids, at, FEW ? i : c.id[i]);
    put(t.weights, at, weight[i] * factor);
  }
  if (count < k) leave_empty(t.ids, t.weights, count, k);
  if constexpr (MODE != QUICK) write_extras<N>(r, c, t, z, model, chosen, rank);
  // Of equal values all have the first one's place, and the sum is less than 0 + 1 + 2...
  return places == count * (count - 1) / 2;
}

// By value, so that the caller's stay in registers.
template <int N>
__attribute__((noinline)) void finish_exactly(Route r, const Candidates& c, Token t, float bonus,
                                              Total total) {
  const Values<N> z = load_values<N>(c.z);
  if (r.plan->higher_id) {
    finish<N, HIGHER_FIRST, false>(r, r.policy, c, t, z, bonus, total);
  } else {
    finish<N, LOWER_FIRST, false>(r, r.policy, c, t, z, bonus, total);
  }
}

template <int N, bool FEW>
WG_INLINE void finish_fast(const Route& r, Policy policy, Candidates& c, const Token& t,
                           const Values<N>& z, float bonus, Total total) {
  bool done = !r.exact && finish<N, QUICK, FEW>(r, policy, c, t, z, bonus, total);
  if (__builtin_expect(!done, false)) {
    for (int32_t i = 0; FEW && i < N; i++) c.id[i] = i;
    finish_exactly<N>(r, c, t, bonus, total);
  }
}

}  // namespace

#endif
