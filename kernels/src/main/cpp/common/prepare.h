// Activations put in the order in which packed weights want them. Include after the tier's vector.h
// and words.h; every tier has its own copy, with internal linkage.
//
// Stored integers have 8, 4 or 2 bits, the first of a byte in its low bits, so a 32-bit word holds 4,
// 8 or 16 weights in a row. No weight is moved: a vector holds LANES words, and activations are ordered
// by the fields of the words' bytes instead, once for many rows: for each vector of words [digit]
// [f < 8 / BITS][lane][4 bytes]. The bytes of `word >> BITS f` are weights f, f + 8 / BITS, ...
//
// A group is as many columns as share all scales: 32, or 16 where blocks of weights are that small.
// A stretch is LANES groups: what is summed and scaled together.
#ifndef WARMGATE_PREPARE_H
#define WARMGATE_PREPARE_H

namespace {

constexpr int64_t CHUNK = 2048;  // columns that are prepared at a time
constexpr int LEAST_GROUP = 16;
constexpr int64_t MOST_GROUPS = CHUNK / LEAST_GROUP;
constexpr int64_t X_BLOCK = 32;  // activations that share a unit

template <int BITS>
struct Packing {
  static constexpr int FIELDS = 8 / BITS;
  static constexpr int64_t SPAN = LANES * 32 / BITS;  // weights of a vector of words
};

template <int BITS, int GROUP>
struct Stretch {
  static constexpr int64_t COLUMNS = GROUP * LANES;
  static constexpr int VECTORS = BITS * GROUP / 32;  // of words
  static constexpr int64_t BYTES = VECTORS * 4 * LANES;
};

// What is taken from each stored integer: half of its range. Zero points are relative to it.
template <int BITS>
constexpr int STORED_OFFSET = 1 << (BITS - 1);

// A chunk of one token's vector, rounded, with zeros up to a whole stretch. What groups have is in the
// order of group_sums.
template <int DIGITS>
struct Rounded {
  alignas(64) int8_t q[DIGITS * CHUNK];
  alignas(64) float units[MOST_GROUPS];
  alignas(64) float sums[MOST_GROUPS];       // of multiples
  alignas(64) int32_t offsets[MOST_GROUPS];  // the same times STORED_OFFSET; not used for 8 bits
};

// The sums of products of a stretch: of all of a group's words, one group a lane. `products` gives those
// of vector v of words. Neighbours are added as soon as they are there, so that few wait in registers.
template <int FROM, int COUNT, typename Products>
WG_INLINE auto group_sums(Products products) {
  static_assert(COUNT == 1 || COUNT == 2 || COUNT == 4 || COUNT == 8, "a power of two");
  if constexpr (COUNT == 1) {
    return products(FROM);
  } else {
    const auto low = group_sums<FROM, COUNT / 2>(products);
    const auto high = group_sums<FROM + COUNT / 2, COUNT / 2>(products);
    if constexpr (COUNT == 8) {
      return fold(low, high);
    } else {
      return join(low, high);
    }
  }
}

// Which group each lane of group_sums has: the sums of group numbers, one a group.
template <int V>
WG_INLINE vs group_order() {
  const vi sums = group_sums<0, V>([](int v) {
    int32_t lanes[LANES];
    for (int l = 0; l < LANES; l++) {
      const int word = v * LANES + l;  // a group has V of them
      lanes[l] = word % V ? 0 : word / V;
    }
    return load_int(lanes);
  });
  int32_t order[LANES];
  store_int(order, sums);
  return spread_index(order);
}

// The values that are there, then zeros.
WG_INLINE void copy_padded(const float* x, int64_t n, int64_t padded, float* out) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(out + i, load(x + i));
  if (i < n) store(out + i, load_first(x + i, n - i, splat(0.0f)));
  for (i = (n + LANES - 1) / LANES * LANES; i < padded; i += LANES) store(out + i, splat(0.0f));
}

// Rounds 32 values to multiples of a unit, and gives the unit.
template <int DIGITS>
WG_INLINE float round_block(const float* x, int32_t* multiples) {
  vf most = splat(0.0f), poison = splat(0.0f);
  for (int64_t i = 0; i < X_BLOCK; i += LANES) {
    vf v = load(x + i);
    most = max_or(v, max_or(sub(splat(0.0f), v), most));
    poison = fma(v, splat(0.0f), poison);
  }
  const float nothing = sum(poison);
  if (!(nothing == 0.0f)) {
    // A value that isn't finite makes the unit, and so the result, NaN.
    for (int64_t i = 0; i < X_BLOCK; i++) multiples[i] = 0;
    return nothing;
  }
  const float peak = largest(most);
  // If smaller, the unit would lose digits of its own, and its inverse might be infinite.
  const bool some = peak > MOST_UNITS<DIGITS> * __FLT_MIN__;
  const vf inverse = splat(some ? MOST_UNITS<DIGITS> / peak : 1.0f / __FLT_MIN__);
  for (int64_t i = 0; i < X_BLOCK; i += LANES) {
    store_int(multiples + i, to_int(mul(load(x + i), inverse)));
  }
  return some ? peak / MOST_UNITS<DIGITS> : __FLT_MIN__;
}

// Digit `digit` of n multiples, as bytes in the order of the fields of their words.
template <int BITS, int64_t N>
WG_INLINE void order_digits(const int32_t* digits, int8_t* out) {
  constexpr int FIELDS = Packing<BITS>::FIELDS;
  constexpr int64_t EACH = N / FIELDS;
  for (int f = 0; f < FIELDS; f++) {
    for (int64_t i = 0; i < EACH; i++) out[f * EACH + i] = (int8_t)digits[i * FIELDS + f];
  }
}

// A vector of words' worth of multiples.
template <int BITS, int DIGITS>
WG_INLINE void split_digits(const int32_t* multiples, int8_t* out) {
  constexpr int64_t SPAN = Packing<BITS>::SPAN;
  if constexpr (DIGITS == 1) {
    order_digits<BITS, SPAN>(multiples, out);
  } else {
    alignas(64) int32_t digits[3][SPAN];
    for (int64_t i = 0; i < SPAN; i += LANES) {
      const vf all = to_float(load_int(multiples + i));
      const vf high = round(mul(all, splat(1.0f / (RADIX * RADIX))));
      const vf rest = fnma(high, splat(RADIX * RADIX), all);
      const vf middle = round(mul(rest, splat(1.0f / RADIX)));
      store_int(digits[0] + i, to_int(high));
      store_int(digits[1] + i, to_int(middle));
      store_int(digits[2] + i, to_int(fnma(middle, splat(RADIX), rest)));
    }
    for (int d = 0; d < DIGITS; d++) order_digits<BITS, SPAN>(digits[d], out + d * SPAN);
  }
}

template <int BITS, int GROUP, int DIGITS>
void prepare(const float* x, int64_t n, Rounded<DIGITS>& p) {
  constexpr int64_t SPAN = Packing<BITS>::SPAN;
  constexpr int64_t COLUMNS = Stretch<BITS, GROUP>::COLUMNS;
  const vs order = group_order<Stretch<BITS, GROUP>::VECTORS>();
  for (int64_t from = 0; from < n; from += COLUMNS) {
    alignas(64) float in[COLUMNS];
    alignas(64) int32_t multiples[COLUMNS];
    alignas(64) float units[LANES], sums[LANES];
    alignas(64) int32_t offsets[LANES];
    copy_padded(x + from, n - from < COLUMNS ? n - from : COLUMNS, COLUMNS, in);
    for (int64_t i = 0; i < COLUMNS; i += X_BLOCK) {
      const float unit = round_block<DIGITS>(in + i, multiples + i);
      for (int64_t g = i; g < i + X_BLOCK; g += GROUP) {
        int32_t sum = 0;
        for (int64_t j = 0; j < GROUP; j++) sum += multiples[g + j];
        units[g / GROUP] = unit;
        sums[g / GROUP] = (float)sum;
        offsets[g / GROUP] = BITS == 8 ? 0 : sum * STORED_OFFSET<BITS>;
      }
    }
    store(p.units + from / GROUP, spread(load(units), order));
    store(p.sums + from / GROUP, spread(load(sums), order));
    store_int(p.offsets + from / GROUP, spread(load_int(offsets), order));
    for (int64_t i = 0; i < COLUMNS; i += SPAN) {
      split_digits<BITS, DIGITS>(multiples + i, p.q + (from + i) * DIGITS);
    }
  }
}

}  // namespace

#endif
