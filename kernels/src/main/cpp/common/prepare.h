// Activations put in the order in which packed weights want them. Include after the tier's vector.h;
// every tier has its own copy, with internal linkage.
//
// Stored integers have 8, 4 or 2 bits, the first of a byte in its low bits, so a 32-bit word holds 4,
// 8 or 16 weights in a row, and field f of the word is weight f. No weight is moved: a vector holds
// LANES words, and activations are ordered by field instead, once for many rows.
//
//   exact: [vector of words][field][lane], times 2^-(BITS field), which is exact: a field is multiplied
//     where it stands in its word. The last one is shifted down, as it holds the sign.
//   fast: rounded to int8 in blocks of 32 that share a scale; [vector][f < 8 / BITS][lane][4 bytes]:
//     the bytes of `word >> BITS f` are fields f, f + 8 / BITS, ...
#ifndef WARMGATE_PREPARE_H
#define WARMGATE_PREPARE_H

namespace {

constexpr int64_t CHUNK = 2048;      // columns that are prepared at a time
constexpr int64_t LEAST_BLOCK = 16;  // weights that share a scale, at least
constexpr int64_t MOST_BLOCKS = CHUNK / LEAST_BLOCK;
constexpr int64_t X_BLOCK = 32;  // activations that share a scale

template <int BITS>
struct Packing {
  static constexpr int PER_WORD = 32 / BITS;
  static constexpr int FIELDS = 8 / BITS;
  static constexpr int64_t SPAN = LANES * PER_WORD;  // weights of a vector of words
};

// A chunk of one token's vector, zeros up to a whole vector of words.
struct Prepared {
  union {
    alignas(64) float x[CHUNK];  // exact
    struct {
      alignas(64) int8_t q[CHUNK];         // fast
      alignas(64) float scales[CHUNK / 4];  // one a word
    };
  };
  alignas(64) float sums[MOST_BLOCKS];  // of each block of weights, zeros up to a whole vector
};

// From sums of 16 values to those of blocks; `block` is 0 if there is one block.
WG_INLINE void sum_blocks(const float* parts, int64_t groups, int64_t block, float* sums) {
  const int64_t each = block == 0 ? groups : block / LEAST_BLOCK;
  int64_t count = 0;
  for (int64_t g = 0; g < groups; count++) {
    float sum = parts[g++];
    for (int64_t i = 1; i < each && g < groups; i++) sum += parts[g++];
    sums[count] = sum;
  }
  for (; count % LANES; count++) sums[count] = 0.0f;
}

template <int BITS>
void prepare_exact(const float* x, int64_t n, int64_t block, Prepared& p) {
  using P = Packing<BITS>;
  alignas(64) float parts[MOST_BLOCKS];
  for (int64_t from = 0; from < n; from += P::SPAN) {
    alignas(64) float in[P::SPAN];
    const int64_t some = n - from < P::SPAN ? n - from : P::SPAN;
    memset(in + some, 0, (size_t)(P::SPAN - some) * sizeof(float));
    memcpy(in, x + from, (size_t)some * sizeof(float));
    float* out = p.x + from;
    for (int f = 0; f < P::PER_WORD; f++) {
      const float power = f == P::PER_WORD - 1 ? 1.0f : 1.0f / (float)(1u << (BITS * f));
      for (int l = 0; l < LANES; l++) out[f * LANES + l] = in[l * P::PER_WORD + f] * power;
    }
    for (int64_t i = 0; i < P::SPAN; i += 4 * LEAST_BLOCK) {
      vf part[4];
      for (int64_t g = 0; g < 4; g++) {
        part[g] = splat(0.0f);
        for (int64_t j = 0; j < LEAST_BLOCK && i + g * LEAST_BLOCK < P::SPAN; j += LANES) {
          part[g] = add(part[g], load(in + i + g * LEAST_BLOCK + j));
        }
      }
      float four[4];
      store_sums(four, part[0], part[1], part[2], part[3]);
      for (int64_t g = 0; g < 4 && i + g * LEAST_BLOCK < P::SPAN; g++) {
        parts[(from + i) / LEAST_BLOCK + g] = four[g];
      }
    }
  }
  sum_blocks(parts, (n + LEAST_BLOCK - 1) / LEAST_BLOCK, block, p.sums);
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

template <int BITS>
void prepare_fast(const float* x, int64_t n, int64_t block, Prepared& p) {
  using P = Packing<BITS>;
  constexpr int64_t STEP = P::SPAN < X_BLOCK ? X_BLOCK : P::SPAN;
  alignas(64) float parts[MOST_BLOCKS];
  for (int64_t from = 0; from < n; from += STEP) {
    alignas(64) float in[STEP];
    alignas(64) int8_t q[STEP];
    const int64_t some = n - from < STEP ? n - from : STEP;
    memset(in + some, 0, (size_t)(STEP - some) * sizeof(float));
    memcpy(in, x + from, (size_t)some * sizeof(float));
    for (int64_t i = 0; i < STEP; i += X_BLOCK) {
      const float scale = round_block(in + i, q + i);
      float* scales = p.scales + (from + i) / P::PER_WORD;
      for (int64_t w = 0; w < X_BLOCK / P::PER_WORD; w++) scales[w] = scale;
      for (int64_t g = 0; g < X_BLOCK; g += LEAST_BLOCK) {
        int32_t sum = 0;
        for (int64_t j = 0; j < LEAST_BLOCK; j++) sum += q[i + g + j];
        parts[(from + i + g) / LEAST_BLOCK] = scale * (float)sum;
      }
    }
    for (int64_t i = 0; i < STEP; i += P::SPAN) order_bytes<BITS>(q + i, p.q + from + i);
  }
  sum_blocks(parts, (n + LEAST_BLOCK - 1) / LEAST_BLOCK, block, p.sums);
}

}  // namespace

#endif
