// Candidates of a choice and their order, on a tier's vectors. Include after routing.h; every tier has
// its own copy, with internal linkage.
#ifndef WARMGATE_SELECT_H
#define WARMGATE_SELECT_H

namespace {

constexpr int BLOCK = 16;      // logits that are filtered together; residents' words hold whole blocks
constexpr int CAPACITY = 64;   // most candidates
constexpr int MOST = CAPACITY - BLOCK;  // most that may be wanted: a block must fit behind them
static_assert(BLOCK % LANES == 0, "a block is whole vectors");

// Experts that may be chosen, in rising order of ids. Behind the last there is room for a block.
struct Candidates {
  alignas(64) float z[CAPACITY + BLOCK];
  alignas(64) int32_t id[CAPACITY + BLOCK];
  uint64_t resident;  // bit i: candidate i
  int64_t count;
};

// A value of each of N candidates; N is a multiple of 8.
template <int N>
struct Values {
  static constexpr int VECTORS = (N + LANES - 1) / LANES;
  vf v[VECTORS];
};

template <int N>
struct Numbers {
  static constexpr int VECTORS = (N + LANES - 1) / LANES;
  vi v[VECTORS];
};

template <int N>
WG_INLINE Values<N> load_values(const float* p) {
  Values<N> a;
#pragma GCC unroll 16
  for (int b = 0; b < a.VECTORS; b++) a.v[b] = load(p + b * LANES);
  return a;
}

template <int N>
WG_INLINE void store_values(float* p, const Values<N>& a) {
#pragma GCC unroll 16
  for (int b = 0; b < a.VECTORS; b++) store(p + b * LANES, a.v[b]);
}

template <int N>
WG_INLINE void store_numbers(int32_t* p, const Numbers<N>& a) {
#pragma GCC unroll 16
  for (int b = 0; b < a.VECTORS; b++) store_int(p + b * LANES, a.v[b]);
}

// The candidates for which f(vector) holds, as bits.
template <int N, typename F>
WG_INLINE uint64_t where(F f) {
  uint64_t set = 0;
#pragma GCC unroll 16
  for (int b = 0; b < Values<N>::VECTORS; b++) set |= (uint64_t)bits(f(b)) << (b * LANES);
  return set;
}

template <int N>
WG_INLINE uint64_t less(const Numbers<N>& a, int32_t limit) {
  return where<N>([&](int b) { return gt_int(splat_int(limit), a.v[b]); });
}

template <int N>
WG_INLINE float largest(const Values<N>& a) {
  vf max = a.v[0];
#pragma GCC unroll 16
  for (int b = 1; b < a.VECTORS; b++) max = max_or(a.v[b], max);
  return largest(max);
}

// The compiler must take p from memory: a load that fills all lanes costs nothing beside a comparison.
template <int N, typename T>
WG_INLINE void in_memory(T* p) {
  __asm__("" : "+m"(*(T(*)[N])p));
}

// How many candidates have a larger value than each; p holds the values.
template <int N>
WG_INLINE Numbers<N> count_larger(const float* p, const Values<N>& value) {
  Numbers<N> larger;
#pragma GCC unroll 4
  for (int b = 0; b < larger.VECTORS; b++) {
    vi even = splat_int(0);
    vi odd = splat_int(0);
#pragma GCC unroll 8
    for (int j = 0; j < N; j += 2) {
      even = count(even, gt(splat(p[j]), value.v[b]));
      odd = count(odd, gt(splat(p[j + 1]), value.v[b]));
    }
    larger.v[b] = add_int(even, odd);
  }
  return larger;
}

// How many candidates go before each: those with a larger z, and of its equals those that the rule for
// ties prefers. p holds z.
template <int N, bool HIGHER>
WG_INLINE Numbers<N> rank_by_logit(const float* p, const Values<N>& z) {
  Numbers<N> rank = count_larger<N>(p, z);
#pragma GCC unroll 4
  for (int b = 0; b < rank.VECTORS; b++) {
    vi equal = splat_int(0);
#pragma GCC unroll 16
    for (int j = 0; j < N; j++) {
      // Lanes of candidates that come later, or earlier.
      int lane = j - b * LANES;
      uint32_t later = lane < 0 ? ~0u : lane >= LANES ? 0 : ~0u << lane << 1;
      uint32_t earlier = lane < 0 ? 0 : lane >= LANES ? ~0u : ~(~0u << lane);
      equal = count(equal, both(eq(splat(p[j]), z.v[b]), from_bits(HIGHER ? earlier : later)));
    }
    rank.v[b] = add_int(rank.v[b], equal);
  }
  return rank;
}

// How many candidates go before each by score, and of equal scores by rank. All ranks differ. p holds
// the scores.
template <int N>
WG_INLINE Numbers<N> rank_by_score(const float* p, const Values<N>& score, const Numbers<N>& rank) {
  alignas(64) int32_t ranks[N < LANES ? LANES : N];
  store_numbers<N>(ranks, rank);
  Numbers<N> before = count_larger<N>(p, score);
#pragma GCC unroll 4
  for (int b = 0; b < before.VECTORS; b++) {
    vi equal = splat_int(0);
#pragma GCC unroll 16
    for (int j = 0; j < N; j++) {
      vm same = eq(splat(p[j]), score.v[b]);
      equal = count(equal, both(same, gt_int(rank.v[b], splat_int(ranks[j]))));
    }
    before.v[b] = add_int(before.v[b], equal);
  }
  return before;
}

// How many of the members go before each by rank.
template <int N>
WG_INLINE Numbers<N> place_among(uint64_t members, const Numbers<N>& rank) {
  alignas(64) int32_t ranks[N < LANES ? LANES : N];
  Numbers<N> place;
#pragma GCC unroll 16
  for (int b = 0; b < place.VECTORS; b++) {
    vm mine = from_bits((uint32_t)(members >> (b * LANES)));
    store_int(ranks + b * LANES, select(mine, rank.v[b], splat_int(CAPACITY)));
  }
  in_memory<N>(ranks);
#pragma GCC unroll 4
  for (int b = 0; b < place.VECTORS; b++) {
    vi before = splat_int(0);
#pragma GCC unroll 16
    for (int j = 0; j < N; j++) before = count(before, gt_int(rank.v[b], splat_int(ranks[j])));
    place.v[b] = before;
  }
  return place;
}

// The k-th largest of N values, 1 <= k <= N.
template <int N>
WG_INLINE float kth_largest(const Values<N>& a, int32_t k) {
  alignas(64) float p[N < LANES ? LANES : N];
  store_values<N>(p, a);
  in_memory<N>(p);
  const Numbers<N> larger = count_larger<N>(p, a);
  uint64_t best = less<N>(larger, k);
  uint64_t last = best & ~less<N>(larger, k - 1);
  if (last) return p[__builtin_ctzll(last)];
  // Equal values share a count, so that none may have k - 1.
  float least = __builtin_inff();
  for (; best; best &= best - 1) {
    float value = p[__builtin_ctzll(best)];
    least = value < least ? value : least;
  }
  return least;
}

// What a candidate must reach: one of them.
struct Bounds {
  vf logit;
  vf score;
};

// Drops candidates until what is left is the `by_logit` best of them by logit and the `by_score` best by
// score; the score is z, and the bonus for residents. Raises the bounds to match.
template <bool HIGHER>
WG_INLINE void prune(Candidates& c, int32_t by_logit, int32_t by_score, float bonus,
                     Bounds& bounds) {
  constexpr int N = CAPACITY;
  for (int64_t i = c.count; i < N; i++) c.z[i] = minus_infinity();
  Values<N> z = load_values<N>(c.z);
  Numbers<N> rank = rank_by_logit<N, HIGHER>(c.z, z);
  uint64_t keep = less<N>(rank, by_logit);
  if (by_logit) bounds.logit = max_or(splat(kth_largest<N>(z, by_logit)), bounds.logit);
  if (by_score) {
    for (int b = 0; b < z.VECTORS; b++) {
      z.v[b] = add_where(z.v[b], c.resident >> (b * LANES), splat(bonus));
    }
    alignas(64) float score[N];
    store_values<N>(score, z);
    bounds.score = max_or(splat(kth_largest<N>(z, by_score)), bounds.score);
    keep |= less<N>(rank_by_score<N>(score, z, rank), by_score);
  }
  int64_t n = 0;
  uint64_t resident = 0;
  for (int64_t i = 0; i < c.count; i++) {
    if (!(keep >> i & 1)) continue;
    c.z[n] = c.z[i];
    c.id[n] = c.id[i];
    resident |= (c.resident >> i & 1) << n;
    n++;
  }
  c.resident = resident;
  c.count = n;
}

}  // namespace

#endif
