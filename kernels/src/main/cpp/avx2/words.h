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

// What common/x86_bytes.h needs.
WG_INLINE vi load_bytes(const int8_t* p) { return _mm256_load_si256((const __m256i*)p); }
WG_INLINE vi splat_byte(char a) { return _mm256_set1_epi8(a); }
WG_INLINE vi xor_int(vi a, vi b) { return _mm256_xor_si256(a, b); }
WG_INLINE vi absolute_bytes(vi a) { return _mm256_abs_epi8(a); }
// x, negative where w is: to be multiplied by |w|.
WG_INLINE vi with_signs(vi x, vi w) { return _mm256_sign_epi8(x, w); }
// Sums of products of 16-bit neighbours.
WG_INLINE vi multiply_pairs(vi a, vi b) { return _mm256_madd_epi16(a, b); }
#ifdef __AVXVNNI__
WG_INLINE vi multiply_words(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
// The bytes of a are unsigned.
WG_INLINE vi add_products(vi sums, vi a, vi b) { return _mm256_dpbusd_avx_epi32(sums, a, b); }
#else
WG_INLINE vi splat_short(short a) { return _mm256_set1_epi16(a); }
// The bytes of a are unsigned.
WG_INLINE vi add_products(vi sums, vi a, vi b) {
  return _mm256_add_epi16(sums, _mm256_maddubs_epi16(a, b));
}
#endif
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
