// Packed and half weights in the AVX-512 tier: what common/packed.h needs beside vector.h. Compiled
// twice, with VNNI and without.
#ifndef WARMGATE_AVX512_WORDS_H
#define WARMGATE_AVX512_WORDS_H

namespace {

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
WG_INLINE void store(half* p, vf a) {
  _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

// Lane l of the result is lane index[l] of a.
using vs = __m512i;
WG_INLINE vs spread_index(const int32_t* lanes) { return load_int(lanes); }
WG_INLINE vf spread(vf a, vs index) { return _mm512_permutexvar_ps(index, a); }
WG_INLINE vi spread(vi a, vs index) { return _mm512_permutexvar_epi32(index, a); }
// LANES integers, packed from p on.
template <int BITS>
WG_INLINE vi load_fields(const uint8_t* p) {
  if constexpr (BITS == 8) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p));
  } else {
    uint64_t bytes = 0;
    memcpy(&bytes, p, 2 * BITS);
    // Lanes of the upper half take theirs from the upper word; with 2 bits all are in the lower one.
    const __m512i words = _mm512_set1_epi64((int64_t)bytes);
    const __m512i mine = BITS == 2 ? _mm512_shuffle_epi32(words, _MM_PERM_AAAA)
                                   : _mm512_mask_shuffle_epi32(
                                         _mm512_shuffle_epi32(words, _MM_PERM_AAAA), 0xff00, words,
                                         _MM_PERM_BBBB);
    const __m512i places = _mm512_mullo_epi32(lane_numbers(), splat_int(BITS));
    return and_int(_mm512_srlv_epi32(mine, and_int(places, splat_int(31))), splat_int((1 << BITS) - 1));
  }
}

// What common/x86_bytes.h needs.
WG_INLINE vi load_bytes(const int8_t* p) { return _mm512_load_si512(p); }
WG_INLINE vi splat_byte(char a) { return _mm512_set1_epi8(a); }
WG_INLINE vi xor_int(vi a, vi b) { return _mm512_xor_si512(a, b); }
WG_INLINE vi absolute_bytes(vi a) { return _mm512_abs_epi8(a); }
// x, negative where w is: to be multiplied by |w|.
WG_INLINE vi with_signs(vi x, vi w) {
  return _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
}
// Sums of products of 16-bit neighbours.
WG_INLINE vi multiply_pairs(vi a, vi b) { return _mm512_madd_epi16(a, b); }
#ifdef __AVX512VNNI__
WG_INLINE vi multiply_words(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
// The bytes of a are unsigned.
WG_INLINE vi add_products(vi sums, vi a, vi b) { return _mm512_dpbusd_epi32(sums, a, b); }
#else
WG_INLINE vi splat_short(short a) { return _mm512_set1_epi16(a); }
// The bytes of a are unsigned.
WG_INLINE vi add_products(vi sums, vi a, vi b) {
  return _mm512_add_epi16(sums, _mm512_maddubs_epi16(a, b));
}
#endif
// Neighbours in each 16 bytes are added: a's, then b's.
WG_INLINE vf join(vf a, vf b) {
  return add(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}
WG_INLINE vi join(vi a, vi b) {
  const __m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(b);
  return add_int(_mm512_castps_si512(_mm512_shuffle_ps(x, y, 0x88)),
                 _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0xdd)));
}
// Neighbours of 16 bytes are added: a's, then b's.
WG_INLINE vf fold(vf a, vf b) {
  return add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
WG_INLINE vi fold(vi a, vi b) {
  return add_int(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}

}  // namespace

#endif
