// Packed and half weights in the AVX2 tier: what common/packed.h needs beside vector.h. Compiled twice,
// with AVX-VNNI and without.
#ifndef WARMGATE_AVX2_WORDS_H
#define WARMGATE_AVX2_WORDS_H

namespace {

WG_INLINE vi load_words(const uint8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
WG_INLINE vi and_int(vi a, vi b) { return _mm256_and_si256(a, b); }
template <int N>
WG_INLINE vi shift_right(vi a) {
  return _mm256_srli_epi32(a, N);
}

// fp16, at any byte address.
WG_INLINE vf load(const half* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
WG_INLINE void store(half* p, vf a) {
  _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

// Lane l of the result is lane index[l] of a.
using vs = __m256i;
WG_INLINE vs spread_index(const int32_t* lanes) { return load_int(lanes); }
WG_INLINE vf spread(vf a, vs index) { return _mm256_permutevar8x32_ps(a, index); }
WG_INLINE vi spread(vi a, vs index) { return _mm256_permutevar8x32_epi32(a, index); }
// LANES integers, packed from p on.
template <int BITS>
WG_INLINE vi load_fields(const uint8_t* p) {
  if constexpr (BITS == 8) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p));
  } else {
    uint32_t bytes = 0;
    memcpy(&bytes, p, BITS);
    const __m256i places = _mm256_mullo_epi32(lane_numbers(), splat_int(BITS));
    return and_int(_mm256_srlv_epi32(splat_int((int32_t)bytes), places), splat_int((1 << BITS) - 1));
  }
}

// The stored integers of each word as bytes: field f of each byte in bytes[f]. 8-bit ones less 128.
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

#ifdef __AVXVNNI__
// Sums of products of the four bytes of each word.
template <int BITS>
WG_INLINE vi word_products(const vi (&w)[8 / BITS], const int8_t* x) {
  const __m256i none = _mm256_setzero_si256();
  const __m256i first = _mm256_load_si256((const __m256i*)x);
  if constexpr (BITS == 8) {
    return _mm256_dpbusd_avx_epi32(none, _mm256_abs_epi8(w[0]), _mm256_sign_epi8(first, w[0]));
  } else {
    __m256i sum = _mm256_dpbusd_avx_epi32(none, w[0], first);
#pragma GCC unroll 4
    for (int i = 1; i < 8 / BITS; i++) {
      sum = _mm256_dpbusd_avx_epi32(sum, w[i], _mm256_load_si256((const __m256i*)(x + i * 32)));
    }
    return sum;
  }
}
#else
// Sums of products of neighbouring bytes; those at x are in -127..127, so that none leaves 16 bits.
template <int BITS>
WG_INLINE vi pair_products(const vi (&w)[8 / BITS], const int8_t* x) {
  const __m256i first = _mm256_load_si256((const __m256i*)x);
  if constexpr (BITS == 8) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w[0]), _mm256_sign_epi8(first, w[0]));
  } else {
    __m256i pairs = _mm256_maddubs_epi16(w[0], first);
#pragma GCC unroll 4
    for (int i = 1; i < 8 / BITS; i++) {
      __m256i more = _mm256_maddubs_epi16(w[i], _mm256_load_si256((const __m256i*)(x + i * 32)));
      pairs = _mm256_add_epi16(pairs, more);
    }
    return pairs;
  }
}
#endif
// The sums of products of each word times a digit's place.
template <int BITS>
WG_INLINE vi placed_products(const vi (&w)[8 / BITS], const int8_t* x, int place) {
#ifdef __AVXVNNI__
  const __m256i sums = word_products<BITS>(w, x);
  if (place == 1) return sums;
  // Those of 4 and 2 bits fit 16, and so a quicker instruction: its other half is 0 or -1, times 0.
  return BITS == 8 ? _mm256_mullo_epi32(sums, splat_int(place))
                   : _mm256_madd_epi16(sums, splat_int(place));
#else
  return _mm256_madd_epi16(pair_products<BITS>(w, x), _mm256_set1_epi16((short)place));
#endif
}
// The sums of products of each word, all digits.
template <int BITS, int DIGITS>
WG_INLINE vi products(const vi (&w)[8 / BITS], const int8_t* x) {
  constexpr int SPAN = 32 * 8 / BITS;
  if constexpr (DIGITS == 1) return placed_products<BITS>(w, x, 1);
  const __m256i high = placed_products<BITS>(w, x, RADIX * RADIX);
  const __m256i middle = placed_products<BITS>(w, x + SPAN, RADIX);
  return add_int(add_int(high, middle), placed_products<BITS>(w, x + 2 * SPAN, 1));
}
// Neighbours in each 16 bytes are added: a's, then b's. Quicker than hadd.
WG_INLINE vf join(vf a, vf b) {
  return add(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}
WG_INLINE vi join(vi a, vi b) {
  const __m256 x = _mm256_castsi256_ps(a), y = _mm256_castsi256_ps(b);
  return add_int(_mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88)),
                 _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xdd)));
}
// The halves of a are added, and those of b.
WG_INLINE vf fold(vf a, vf b) {
  return add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
WG_INLINE vi fold(vi a, vi b) {
  return add_int(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

}  // namespace

#endif
