// Activations put in the order in which packed weights want them. Include after the tier's vector.h
// and words.h; every tier has its own copy, with internal linkage.
//
// Stored integers have 8, 4 or 2 bits, the first of a byte in its low bits, so a 32-bit word holds 4,
// 8 or 16 weights in a row, and field f of the word is weight f. No weight is moved: a vector holds
// LANES words, and activations are ordered by field instead, once for many rows.
//
//   exact: in each stretch [field][vector of words][lane], times 2^-(BITS field), which is exact: a field
//     is multiplied where it stands in its word. The last one is shifted down, as it holds the sign.
//   fast: rounded to int8 in blocks of 32 that share a scale; [vector][f < 8 / BITS][lane][4 bytes]:
//     the bytes of `word >> BITS f` are fields f, f + 8 / BITS, ...
//
// A group is as many columns as share all scales: 32, or 16 where blocks of weights are that small.
// A stretch is LANES groups: what is summed and scaled together.
#ifndef WARMGATE_PREPARE_H
#define WARMGATE_PREPARE_H

namespace {

constexpr int64_t CHUNK = 2048;  // columns that are prepared at a time
constexpr int LEAST_GROUP = 16;
constexpr int64_t MOST_GROUPS = CHUNK / LEAST_GROUP;
constexpr int64_t X_BLOCK = 32;  // activations that share a scale

template <int BITS>
struct Packing {
  static constexpr int PER_WORD = 32 / BITS;
  static constexpr int FIELDS = 8 / BITS;
  static constexpr int64_t SPAN = LANES * PER_WORD;  // weights of a vector of words
};

template <int BITS, int GROUP>
struct Stretch {
  static constexpr int64_t COLUMNS = GROUP * LANES;
  static constexpr int VECTORS = BITS * GROUP / 32;  // of words
  static constexpr int64_t BYTES = VECTORS * 4 * LANES;
};

// A chunk of one token's vector, zeros up to a whole stretch.
struct ExactVector {
  alignas(64) float x[CHUNK];
  alignas(64) float sums[MOST_GROUPS];
};

// The same, rounded. Scales and sums of groups are in the order of group_sums.
struct FastVector {
  alignas(64) int8_t q[CHUNK];
  alignas(64) float scales[MOST_GROUPS];
  alignas(64) float sums[MOST_GROUPS];  // of the rounded values, which are integers
};

// The sums of products of a stretch: of all of a group's words, one group a lane.
template <int V>
WG_INLINE vi group_sums(const vi (&p)[V]) {
  static_assert(V == 1 || V == 2 || V == 4 || V == 8, "a power of two");
  if constexpr (V == 1) {
    return p[0];
  } else if constexpr (V == 2) {
    return join(p[0], p[1]);
  } else if constexpr (V == 4) {
    return join(join(p[0], p[1]), join(p[2], p[3]));
  } else {
    return fold(group_sums({p[0], p[1], p[2], p[3]}), group_sums({p[4], p[5], p[6], p[7]}));
  }
}

// Which group each lane of group_sums has: the sums of group numbers, one a group.
template <int V>
WG_INLINE vs group_order() {
  vi numbers[V];
  for (int v = 0; v < V; v++) {
    int32_t lanes[LANES];
    for (int l = 0; l < LANES; l++) {
      const int word = v * LANES + l;  // a group has V of them
      lanes[l] = word % V ? 0 : word / V;
    }
    numbers[v] = load_int(lanes);
  }
  int32_t order[LANES];
  store_int(order, group_sums(numbers));
  return spread_index(order);
}

// The values that are there, then zeros.
WG_INLINE void copy_padded(const float* x, int64_t n, int64_t padded, float* out) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(out + i, load(x + i));
  if (i < n) store(out + i, load_first(x + i, n - i, splat(0.0f)));
  for (i = (n + LANES - 1) / LANES * LANES; i < padded; i += LANES) store(out + i, splat(0.0f));
}

// The sum of each of LANES groups.
template <int GROUP>
WG_INLINE void sum_groups(const float* x, float* sums) {
  for (int64_t g = 0; g < LANES; g += 4) {
    vf four[4];
    for (int64_t i = 0; i < 4; i++) {
      const float* group = x + (g + i) * GROUP;
      four[i] = load(group);
      for (int64_t j = LANES; j < GROUP; j += LANES) four[i] = add(four[i], load(group + j));
    }
    store_sums(sums + g, four[0], four[1], four[2], four[3]);
  }
}

template <int BITS, int GROUP>
void prepare_exact(const float* x, int64_t n, ExactVector& p) {
  using P = Packing<BITS>;
  using S = Stretch<BITS, GROUP>;
  for (int64_t from = 0; from < n; from += S::COLUMNS) {
    alignas(64) float in[S::COLUMNS];
    copy_padded(x + from, n - from < S::COLUMNS ? n - from : S::COLUMNS, S::COLUMNS, in);
    for (int v = 0; v < S::VECTORS; v++) {
      for (int f = 0; f < P::PER_WORD; f++) {
        const float power = f == P::PER_WORD - 1 ? 1.0f : 1.0f / (float)(1u << (BITS * f));
        alignas(64) float lanes[LANES];
        for (int l = 0; l < LANES; l++) lanes[l] = in[v * P::SPAN + l * P::PER_WORD + f];
        store(p.x + from + (f * S::VECTORS + v) * LANES, mul(load(lanes), splat(power)));
      }
    }
    sum_groups<GROUP>(in, p.sums + from / GROUP);
  }
}

// Rounds 32 values to int8 and gives their scale.
WG_INLINE float round_block(const float* x, int8_t* q) {
  vf most = splat(0.0f), poison = splat(0.0f);
  for (int64_t i = 0; i < X_BLOCK; i += LANES) {
    vf v = load(x + i);
    most = max_or(v, max_or(sub(splat(0.0f), v), most));
    poison = fma(v, splat(0.0f), poison);
  }
  const float peak = largest(most);
  // If smaller, 127 / peak would be infinite, and the values are nothing beside any other.
  const bool some = peak > 1e-36f;
  const vf inverse = splat(some ? 127.0f / peak : 0.0f);
  alignas(64) float rounded[X_BLOCK];
  for (int64_t i = 0; i < X_BLOCK; i += LANES) store(rounded + i, round(mul(load(x + i), inverse)));
  for (int64_t i = 0; i < X_BLOCK; i++) q[i] = (int8_t)(int32_t)rounded[i];
  // A value that isn't finite makes the scale, and so the result, NaN.
  return (some ? peak / 127.0f : 0.0f) + sum(poison);
}

// The even bytes of 8, or bytes 0 and 4 of each 8 of 16.
WG_INLINE uint32_t every_second(uint64_t a) {
  a &= 0x00ff00ff00ff00ffull;
  a = (a | a >> 8) & 0x0000ffff0000ffffull;
  return (uint32_t)(a | a >> 16);
}
WG_INLINE uint32_t every_fourth(uint64_t low, uint64_t high) {
  low &= 0x000000ff000000ffull;
  high &= 0x000000ff000000ffull;
  return (uint32_t)(low | low >> 24) | (uint32_t)(high | high >> 24) << 16;
}

// A vector's worth of int8 values, in the order of fields.
template <int BITS>
WG_INLINE void order_bytes(const int8_t* q, int8_t* out) {
  using P = Packing<BITS>;
  if (BITS == 8) {
    memcpy(out, q, P::SPAN);
    return;
  }
  for (int l = 0; l < LANES; l++) {
    uint64_t bytes[2] = {0, 0};
    memcpy(bytes, q + l * P::PER_WORD, P::PER_WORD);
    for (int f = 0; f < P::FIELDS; f++) {
      const uint32_t word = BITS == 4 ? every_second(bytes[0] >> (8 * f))
                                      : every_fourth(bytes[0] >> (8 * f), bytes[1] >> (8 * f));
      memcpy(out + (f * LANES + l) * 4, &word, 4);
    }
  }
}

template <int BITS, int GROUP>
void prepare_fast(const float* x, int64_t n, FastVector& p) {
  using P = Packing<BITS>;
  constexpr int64_t COLUMNS = Stretch<BITS, GROUP>::COLUMNS;
  const vs order = group_order<Stretch<BITS, GROUP>::VECTORS>();
  for (int64_t from = 0; from < n; from += COLUMNS) {
    alignas(64) float in[COLUMNS];
    alignas(64) int8_t q[COLUMNS];
    copy_padded(x + from, n - from < COLUMNS ? n - from : COLUMNS, COLUMNS, in);
    alignas(64) float scales[LANES], sums[LANES];
    for (int64_t i = 0; i < COLUMNS; i += X_BLOCK) {
      const float scale = round_block(in + i, q + i);
      for (int64_t g = i; g < i + X_BLOCK; g += GROUP) {
        int32_t sum = 0;
        for (int64_t j = 0; j < GROUP; j++) sum += q[g + j];
        scales[g / GROUP] = scale;
        sums[g / GROUP] = (float)sum;
      }
    }
    store(p.scales + from / GROUP, spread(load(scales), order));
    store(p.sums + from / GROUP, spread(load(sums), order));
    for (int64_t i = 0; i < COLUMNS; i += P::SPAN) order_bytes<BITS>(q + i, p.q + from + i);
  }
}

}  // namespace

#endif
