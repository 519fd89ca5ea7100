// Packed and half weights in the AVX-512 tier: what common/packed.h needs beside vector.h. Compiled
// twice, with VNNI and without.
#ifndef WARMGATE_AVX512_WORDS_H
#define WARMGATE_AVX512_WORDS_H

namespace {

constexpr int EXACT_TILE = 4;  // tokens that are multiplied together, 2 rows at a time
constexpr int FAST_TILE = 4;
#ifdef __AVX512VNNI__
constexpr bool SIGNED_BYTES = false;
#else
constexpr bool SIGNED_BYTES = true;  // 8-bit weights are multiplied as stored - 128
#endif

WG_INLINE vi load_words(const uint8_t* p) { return _mm512_loadu_si512(p); }
WG_INLINE vi and_int(vi a, vi b) { return _mm512_and_si512(a, b); }
template <int N>
WG_INLINE vi shift_right(vi a) {
  return _mm512_srli_epi32(a, N);
}

// fp16, at any byte address.
WG_INLINE vf load(const half* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
}

// Each of the first values at p, LANES of which can be read, for `per` lanes.
using vs = __m512i;
WG_INLINE vs spread_index(int per) {
  return _mm512_srl_epi32(lane_numbers(), _mm_cvtsi32_si128(__builtin_ctz((unsigned)per)));
}
WG_INLINE vf spread(const float* p, vs index) { return _mm512_permutexvar_ps(index, load(p)); }

// The stored integers of each word as bytes: field f of each byte in bytes[f].
template <int BITS>
WG_INLINE void split_bytes(vi words, vi (&bytes)[8 / BITS]) {
  if constexpr (BITS == 8) {
    bytes[0] = SIGNED_BYTES ? _mm512_xor_si512(words, _mm512_set1_epi8((char)0x80)) : words;
  } else {
    const __m512i mask = _mm512_set1_epi8((1 << BITS) - 1);
    bytes[0] = and_int(words, mask);
    bytes[1] = and_int(shift_right<BITS>(words), mask);
    if constexpr (BITS == 2) {
      bytes[2] = and_int(shift_right<4>(words), mask);
      bytes[3] = and_int(shift_right<6>(words), mask);
    }
  }
}

// Sums of products of the four bytes of each word. Those at x are in -127..127.
#ifdef __AVX512VNNI__
template <int N>
WG_INLINE vi dot_bytes(const vi (&w)[N], const int8_t* x) {
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int i = 0; i < N; i++) {
    sum = _mm512_dpbusd_epi32(sum, w[i], _mm512_load_si512(x + i * 64));
  }
  return sum;
}
#else
// Two products of bytes never leave 16 bits.
WG_INLINE vi dot_bytes(const vi (&w)[1], const int8_t* x) {
  __m512i v = _mm512_load_si512(x);
  v = _mm512_mask_sub_epi8(v, _mm512_movepi8_mask(w[0]), _mm512_setzero_si512(), v);
  return _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_abs_epi8(w[0]), v), _mm512_set1_epi16(1));
}
template <int N>
WG_INLINE vi dot_bytes(const vi (&w)[N], const int8_t* x) {
  __m512i pairs = _mm512_maddubs_epi16(w[0], _mm512_load_si512(x));
#pragma GCC unroll 4
  for (int i = 1; i < N; i++) {
    pairs = _mm512_add_epi16(pairs, _mm512_maddubs_epi16(w[i], _mm512_load_si512(x + i * 64)));
  }
  return _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}
#endif

}  // namespace

#endif
