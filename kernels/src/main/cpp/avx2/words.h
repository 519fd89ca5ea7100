// Packed and half weights in the AVX2 tier: what common/packed.h needs beside vector.h.
#ifndef WARMGATE_AVX2_WORDS_H
#define WARMGATE_AVX2_WORDS_H

namespace {

constexpr int EXACT_TILE = 3;  // tokens that are multiplied together, 2 rows at a time
constexpr int FAST_TILE = 4;
constexpr bool SIGNED_BYTES = true;  // 8-bit weights are multiplied as stored - 128

WG_INLINE vi load_words(const uint8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
WG_INLINE vi and_int(vi a, vi b) { return _mm256_and_si256(a, b); }
template <int N>
WG_INLINE vi shift_right(vi a) {
  return _mm256_srli_epi32(a, N);
}

// fp16, at any byte address.
WG_INLINE vf load(const half* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }

// Each of the first values at p, LANES of which can be read, for `per` lanes.
using vs = __m256i;
WG_INLINE vs spread_index(int per) {
  return _mm256_srl_epi32(lane_numbers(), _mm_cvtsi32_si128(__builtin_ctz((unsigned)per)));
}
WG_INLINE vf spread(const float* p, vs index) {
  return _mm256_permutevar8x32_ps(load(p), index);
}

// The stored integers of each word as bytes: field f of each byte in bytes[f].
template <int BITS>
WG_INLINE void split_bytes(vi words, vi (&bytes)[8 / BITS]) {
  if constexpr (BITS == 8) {
    bytes[0] = _mm256_xor_si256(words, _mm256_set1_epi8((char)0x80));
  } else {
    const __m256i mask = _mm256_set1_epi8((1 << BITS) - 1);
    bytes[0] = and_int(words, mask);
    bytes[1] = and_int(shift_right<BITS>(words), mask);
    if constexpr (BITS == 2) {
      bytes[2] = and_int(shift_right<4>(words), mask);
      bytes[3] = and_int(shift_right<6>(words), mask);
    }
  }
}

// Sums of products of the four bytes of each word. Those at x are in -127..127, so that two
// products of bytes never leave 16 bits.
WG_INLINE vi dot_bytes(const vi (&w)[1], const int8_t* x) {
  __m256i v = _mm256_load_si256((const __m256i*)x);
  __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w[0]), _mm256_sign_epi8(v, w[0]));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
template <int N>
WG_INLINE vi dot_bytes(const vi (&w)[N], const int8_t* x) {
  __m256i pairs = _mm256_maddubs_epi16(w[0], _mm256_load_si256((const __m256i*)x));
#pragma GCC unroll 4
  for (int i = 1; i < N; i++) {
    __m256i more = _mm256_maddubs_epi16(w[i], _mm256_load_si256((const __m256i*)(x + i * 32)));
    pairs = _mm256_add_epi16(pairs, more);
  }
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

}  // namespace

#endif
