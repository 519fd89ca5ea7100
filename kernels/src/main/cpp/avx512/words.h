// Packed and half weights in the AVX-512 tier: what common/packed.h needs beside vector.h. Compiled
// twice, with VNNI and without.
#ifndef WARMGATE_AVX512_WORDS_H
#define WARMGATE_AVX512_WORDS_H

namespace {

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

// Lane l of the result is lane index[l] of a.
using vs = __m512i;
WG_INLINE vs spread_index(const int32_t* lanes) { return load_int(lanes); }
WG_INLINE vf spread(vf a, vs index) { return _mm512_permutexvar_ps(index, a); }
WG_INLINE vi spread(vi a, vs index) { return _mm512_permutexvar_epi32(index, a); }
// The words of a, each shifted down by the number of bits in its lane of b.
WG_INLINE vi shift_right_each(vi a, vi b) { return _mm512_srlv_epi32(a, b); }

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

// Sums of products of the four bytes of each word; those at x are in -127..127.
template <int BITS>
WG_INLINE vi products(const vi (&w)[8 / BITS], const int8_t* x) {
#ifdef __AVX512VNNI__
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int i = 0; i < 8 / BITS; i++) {
    sum = _mm512_dpbusd_epi32(sum, w[i], _mm512_load_si512(x + i * 64));
  }
  return sum;
#else
  // No sum of products leaves 16 bits.
  const __m512i first = _mm512_load_si512(x);
  __m512i pairs;
  if constexpr (BITS == 8) {
    const __m512i turned = _mm512_mask_sub_epi8(first, _mm512_movepi8_mask(w[0]),
                                                _mm512_setzero_si512(), first);
    pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(w[0]), turned);
  } else {
    pairs = _mm512_maddubs_epi16(w[0], first);
#pragma GCC unroll 4
    for (int i = 1; i < 8 / BITS; i++) {
      pairs = _mm512_add_epi16(pairs, _mm512_maddubs_epi16(w[i], _mm512_load_si512(x + i * 64)));
    }
  }
  return _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#endif
}
// Neighbours in each 16 bytes are added: a's, then b's.
WG_INLINE vi join(vi a, vi b) {
  const __m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(b);
  return add_int(_mm512_castps_si512(_mm512_shuffle_ps(x, y, 0x88)),
                 _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0xdd)));
}
// Neighbours of 16 bytes are added: a's, then b's.
WG_INLINE vi fold(vi a, vi b) {
  return add_int(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}

}  // namespace

#endif
