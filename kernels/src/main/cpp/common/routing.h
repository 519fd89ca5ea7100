// Top-k, combine weights and decay on a tier's vectors. Include after the tier's vector.h, unaligned.h and math.h;
// every tier has its own copy, with internal linkage.
#ifndef WARMGATE_ROUTING_H
#define WARMGATE_ROUTING_H

namespace {

constexpr int64_t MAX_LISTED = 16;  // the largest k whose candidates stay in registers

WG_INLINE float minus_infinity() { return -__builtin_inff(); }

// The residents' bits from expert e on, e a multiple of LANES: vectors never straddle words.
WG_INLINE uint64_t resident_bits(const uint64_t* residents, int64_t e) {
  uint64_t word;
  memcpy(&word, residents + (e >> 6), sizeof word);
  return word >> (e & 63);
}

// The best so far, in falling order, in N vectors; places that are free hold -infinity and id -1.
template <int N>
struct List {
  vf score[N];
  vi id[N];
};

// Whether an expert goes before those that were seen earlier: ids come in rising order, so an equal
// score does where the higher id wins.
template <bool HIGHER>
WG_INLINE bool beats(float score, float earlier) {
  return HIGHER ? score >= earlier : score > earlier;
}

template <bool HIGHER>
WG_INLINE vm beats(vf score, vf earlier) {
  return HIGHER ? ge(score, earlier) : gt(score, earlier);
}

// What the first experts have to beat, so that -infinity (and NaN) never does.
template <bool HIGHER>
WG_INLINE float least() {
  return HIGHER ? -__FLT_MAX__ : minus_infinity();
}

// Puts an expert in its place; its id is larger than all in the list.
template <int N, bool HIGHER>
WG_INLINE void insert(List<N>& list, vf score, vi id) {
  vf top = splat(__builtin_inff());
#pragma GCC unroll 4
  for (int j = N - 1; j >= 0; j--) {
    vf above = shift_in(j > 0 ? list.score[j - 1] : top, list.score[j]);
    vi above_id = shift_in(j > 0 ? list.id[j - 1] : id, list.id[j]);
    vm stays = HIGHER ? gt(list.score[j], score) : ge(list.score[j], score);
    vm here = HIGHER ? gt(above, score) : ge(above, score);
    list.score[j] = max_or(list.score[j], min_nan(above, score));
    list.id[j] = select(stays, list.id[j], select(here, id, above_id));
  }
}

// One pass: compare a vector of scores with the k-th best so far, and insert what beats it. A NaN
// beats nothing, and -infinity doesn't beat the free places.
template <int N, bool HIGHER>
int32_t topk_listed(const float* logits, int64_t experts, const uint64_t* residents, float bias,
                    int64_t k, int32_t* ids) {
  List<N> list;
  for (int j = 0; j < N; j++) {
    list.score[j] = splat(minus_infinity());
    list.id[j] = splat_int(-1);
  }
  const vf none = splat(minus_infinity());
  const vf bonus = splat(bias);
  const int last = (int)((k - 1) % LANES);
  const vf floor = splat(least<HIGHER>());
  vf threshold = floor;
  for (int64_t e = 0; e < experts; e += LANES) {
    int64_t left = experts - e;
    vf score = left >= LANES ? load(logits + e) : load_first(logits + e, left, none);
    if (residents) score = add_where(score, resident_bits(residents, e), bonus);
    uint32_t better = bits(beats<HIGHER>(score, threshold));
    while (better) {
      int lane = __builtin_ctz(better);
      insert<N, HIGHER>(list, splat_lane(score, lane), splat_int((int32_t)(e + lane)));
      threshold = max_or(splat_lane(list.score[N - 1], last), floor);
      better &= better - 1;
      better &= bits(beats<HIGHER>(score, threshold));
    }
  }
  int32_t best[N * LANES];
  for (int j = 0; j < N; j++) store_int(best + j * LANES, list.id[j]);
  int32_t chosen = 0;
  for (int64_t i = 0; i < k; i++) {
    put(ids, i, best[i]);
    chosen += best[i] >= 0;
  }
  return chosen;
}

WG_INLINE float score_of(const float* logits, const uint64_t* residents, float bias, int64_t e) {
  float z = get(logits, e);
  return residents && (resident_bits(residents, e) & 1) ? z + bias : z;
}

// Any k: insertion into the ids themselves.
template <bool HIGHER>
int32_t topk_any(const float* logits, int64_t experts, const uint64_t* residents, float bias,
                 int64_t k, int32_t* ids) {
  int64_t chosen = 0;
  float to_beat = least<HIGHER>();
  if (k == 0) return 0;
  for (int64_t e = 0; e < experts; e++) {
    float score = score_of(logits, residents, bias, e);
    if (!beats<HIGHER>(score, to_beat)) continue;
    if (chosen < k) chosen++;
    int64_t at = chosen - 1;
    while (at > 0 && beats<HIGHER>(score, score_of(logits, residents, bias, get(ids, at - 1)))) at--;
    for (int64_t i = chosen - 1; i > at; i--) put(ids, i, get(ids, i - 1));
    put(ids, at, (int32_t)e);
    if (chosen == k) to_beat = score_of(logits, residents, bias, get(ids, k - 1));
  }
  for (int64_t i = chosen; i < k; i++) put(ids, i, -1);
  return (int32_t)chosen;
}

template <bool HIGHER>
int32_t topk(const float* logits, int64_t experts, const uint64_t* residents, float bias, int64_t k,
             int32_t* ids) {
  switch (k > MAX_LISTED ? 0 : (k + LANES - 1) / LANES) {
    case 1:
      return topk_listed<1, HIGHER>(logits, experts, residents, bias, k, ids);
    case 2:
      if constexpr (LANES < 16) return topk_listed<2, HIGHER>(logits, experts, residents, bias, k, ids);
      break;
    case 3:
      if constexpr (LANES < 8) return topk_listed<3, HIGHER>(logits, experts, residents, bias, k, ids);
      break;
    case 4:
      if constexpr (LANES < 8) return topk_listed<4, HIGHER>(logits, experts, residents, bias, k, ids);
      break;
  }
  return topk_any<HIGHER>(logits, experts, residents, bias, k, ids);
}

// exp(z - max), 0 for NaN and -infinity; the largest is 1 even where it is infinite.
WG_INLINE vf share(vf z, vf max) {
  vf e = select(eq(z, max), splat(1.0f), exp(sub(z, max)));
  return select(gt(z, splat(minus_infinity())), e, splat(0.0f));
}

// The logits of up to LANES chosen experts, -infinity where there is none.
WG_INLINE vf gather(const float* logits, const int32_t* ids, int64_t n) {
  float z[LANES];
  for (int64_t i = 0; i < LANES; i++) {
    int32_t id = i < n ? get(ids, i) : -1;
    z[i] = id < 0 ? minus_infinity() : get(logits, id);
  }
  return load(z);
}

int32_t gate_weights(const float* logits, int64_t experts, const int32_t* ids, int64_t k, int32_t all,
                     float* weights) {
  for (int64_t i = 0; i < k; i++) {
    int32_t id = get(ids, i);
    if (id < -1 || id >= experts) return -1;
  }
  const vf none = splat(minus_infinity());
  // Up to LANES chosen are gathered once.
  const vf head = gather(logits, ids, k);
  auto chosen = [&](int64_t i) { return i == 0 ? head : gather(logits, ids + i, k - i); };
  vf max = none;
  if (all) {
    for (int64_t e = 0; e < experts; e += LANES) {
      int64_t left = experts - e;
      max = max_or(left >= LANES ? load(logits + e) : load_first(logits + e, left, none), max);
    }
  } else {
    for (int64_t i = 0; i < k; i += LANES) max = max_or(chosen(i), max);
  }
  max = splat(largest(max));
  vf total = splat(0.0f);
  if (all) {
    for (int64_t e = 0; e < experts; e += LANES) {
      int64_t left = experts - e;
      vf z = left >= LANES ? load(logits + e) : load_first(logits + e, left, none);
      total = add(total, share(z, max));
    }
  } else {
    for (int64_t i = 0; i < k; i += LANES) total = add(total, share(chosen(i), max));
  }
  float scalar = sum(total);
  // Nothing to share: every weight is 0.
  vf denominator = splat(scalar > 0 ? scalar : 1.0f);
  for (int64_t i = 0; i < k; i += LANES) {
    int64_t left = k - i;
    vf w = div(share(chosen(i), max), denominator);
    if (left >= LANES) {
      store(weights + i, w);
    } else {
      store_first(weights + i, left, w);
    }
  }
  return 0;
}

void decay(float* values, int64_t count, float factor) {
  vf f = splat(factor);
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) store(values + i, mul(load(values + i), f));
  if (i < count) {
    store_first(values + i, count - i, mul(load_first(values + i, count - i, f), f));
  }
}

}  // namespace

#endif
