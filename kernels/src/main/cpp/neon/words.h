// Packed and half weights in the NEON tier: what common/packed.h needs beside vector.h. Compiled
// twice, with dotprod and without.
#ifndef WARMGATE_NEON_WORDS_H
#define WARMGATE_NEON_WORDS_H

namespace {

WG_INLINE vi load_words(const uint8_t* p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
WG_INLINE vi and_int(vi a, vi b) { return vandq_s32(a, b); }
template <int N>
WG_INLINE vi shift_right(vi a) {
  return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), N));
}

// fp16, at any byte address.
WG_INLINE vf load(const half* p) {
  float16x4_t a;
  memcpy(&a, p, sizeof a);
  return vcvt_f32_f16(a);
}
WG_INLINE void store(half* p, vf a) {
  float16x4_t b = vcvt_f16_f32(a);
  memcpy(p, &b, sizeof b);
}

// Lane l of the result is lane index[l] of a. The index is one of bytes.
using vs = uint8x16_t;
WG_INLINE vs spread_index(const int32_t* lanes) {
  uint8_t bytes[16];
  for (int i = 0; i < 16; i++) bytes[i] = (uint8_t)(lanes[i / 4] * 4 + i % 4);
  return vld1q_u8(bytes);
}
WG_INLINE vf spread(vf a, vs index) {
  return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(a), index));
}
WG_INLINE vi spread(vi a, vs index) {
  return vreinterpretq_s32_u8(vqtbl1q_u8(vreinterpretq_u8_s32(a), index));
}
// LANES integers, packed from p on.
template <int BITS>
WG_INLINE vi load_fields(const uint8_t* p) {
  uint32_t bytes = 0;
  memcpy(&bytes, p, (BITS + 1) / 2);
  const int32_t places[LANES] = {0, -BITS, -2 * BITS, -3 * BITS};
  const uint32x4_t shifted = vshlq_u32(vdupq_n_u32(bytes), vld1q_s32(places));
  return and_int(vreinterpretq_s32_u32(shifted), vdupq_n_s32((1 << BITS) - 1));
}

// The stored integers of each word as bytes: field f of each byte in bytes[f]. 8-bit ones less 128.
template <int BITS>
WG_INLINE void split_bytes(vi words, vi (&bytes)[8 / BITS]) {
  const uint8x16_t all = vreinterpretq_u8_s32(words);
  if constexpr (BITS == 8) {
    bytes[0] = vreinterpretq_s32_u8(veorq_u8(all, vdupq_n_u8(0x80)));
  } else if constexpr (BITS == 4) {
    bytes[0] = vreinterpretq_s32_u8(vandq_u8(all, vdupq_n_u8(15)));
    bytes[1] = vreinterpretq_s32_u8(vshrq_n_u8(all, 4));
  } else {
    const uint8x16_t mask = vdupq_n_u8(3);
    bytes[0] = vreinterpretq_s32_u8(vandq_u8(all, mask));
    bytes[1] = vreinterpretq_s32_u8(vandq_u8(vshrq_n_u8(all, 2), mask));
    bytes[2] = vreinterpretq_s32_u8(vandq_u8(vshrq_n_u8(all, 4), mask));
    bytes[3] = vreinterpretq_s32_u8(vshrq_n_u8(all, 6));
  }
}

// Sums of products of the four bytes of each word; those at x are in -127..127.
template <int BITS>
WG_INLINE vi word_products(const vi (&w)[8 / BITS], const int8_t* x) {
#ifdef __ARM_FEATURE_DOTPROD
  int32x4_t sum = vdupq_n_s32(0);
#pragma GCC unroll 4
  for (int i = 0; i < 8 / BITS; i++) {
    sum = vdotq_s32(sum, vreinterpretq_s8_s32(w[i]), vld1q_s8(x + i * 16));
  }
  return sum;
#else
  // No sum of products leaves 16 bits: one of 8-bit weights, four of smaller ones.
  int16x8_t low = vdupq_n_s16(0), high = low;
#pragma GCC unroll 4
  for (int i = 0; i < 8 / BITS; i++) {
    int8x16_t a = vreinterpretq_s8_s32(w[i]), b = vld1q_s8(x + i * 16);
    low = vmlal_s8(low, vget_low_s8(a), vget_low_s8(b));
    high = vmlal_s8(high, vget_high_s8(a), vget_high_s8(b));
  }
  return vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
#endif
}
// The sums of products of each word, all digits.
template <int BITS, int DIGITS>
WG_INLINE vi products(const vi (&w)[8 / BITS], const int8_t* x) {
  constexpr int SPAN = 16 * 8 / BITS;
  if constexpr (DIGITS == 1) return word_products<BITS>(w, x);
  const int32x4_t low = word_products<BITS>(w, x + 2 * SPAN);
  const int32x4_t more = vmlaq_n_s32(low, word_products<BITS>(w, x + SPAN), RADIX);
  return vmlaq_n_s32(more, word_products<BITS>(w, x), RADIX * RADIX);
}
// Neighbours are added: a's, then b's.
WG_INLINE vf join(vf a, vf b) { return vpaddq_f32(a, b); }
WG_INLINE vi join(vi a, vi b) { return vpaddq_s32(a, b); }
WG_INLINE vf fold(vf a, vf b) { return vpaddq_f32(a, b); }
WG_INLINE vi fold(vi a, vi b) { return vpaddq_s32(a, b); }

}  // namespace

#endif
