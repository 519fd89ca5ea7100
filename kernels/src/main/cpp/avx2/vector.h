// The vector operations of the AVX2 tier. Everything has internal linkage: the linker must never
// merge these with another tier's.
#ifndef WARMGATE_AVX2_VECTOR_H
#define WARMGATE_AVX2_VECTOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define WG_INLINE inline __attribute__((always_inline))

namespace {

using vf = __m256;
using vi = __m256i;
using vm = __m256;

constexpr int LANES = 8;
constexpr int TILE = 3;  // tokens of a register tile: 4 rows x 3 tokens are 12 of 16 registers

const int32_t WINDOW[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

WG_INLINE __m256i first(int64_t n) {
  return _mm256_loadu_si256((const __m256i*)(WINDOW + LANES - n));
}

// An fp16 value.
struct half {
  uint16_t bits;
};

WG_INLINE vf splat(float a) { return _mm256_set1_ps(a); }
WG_INLINE vf load(const float* p) { return _mm256_loadu_ps(p); }
WG_INLINE void store(float* p, vf a) { _mm256_storeu_ps(p, a); }
// The first n < LANES values; the others are `rest`, and their memory is not touched.
WG_INLINE vf load_first(const float* p, int64_t n, vf rest) {
  __m256i mask = first(n);
  return _mm256_blendv_ps(rest, _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask));
}
WG_INLINE void store_first(float* p, int64_t n, vf a) { _mm256_maskstore_ps(p, first(n), a); }

WG_INLINE vf add(vf a, vf b) { return _mm256_add_ps(a, b); }
WG_INLINE vf sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
WG_INLINE vf mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
WG_INLINE vf div(vf a, vf b) { return _mm256_div_ps(a, b); }
WG_INLINE vf fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }    // a*b + c
WG_INLINE vf fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a*b
// A NaN in a gives b.
WG_INLINE vf max_or(vf a, vf b) { return _mm256_max_ps(a, b); }
// A NaN in b gives NaN.
WG_INLINE vf min_nan(vf a, vf b) { return _mm256_min_ps(a, b); }
WG_INLINE vf max_nan(vf a, vf b) { return _mm256_max_ps(a, b); }
WG_INLINE vf round(vf a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// a * 2^n for integral n, with the right result at both ends of the range: half of n at a time.
WG_INLINE vf scale(vf a, vf n) {
  __m256i whole = _mm256_cvtps_epi32(n);
  __m256i half = _mm256_srai_epi32(whole, 1);
  __m256i bias = _mm256_set1_epi32(127);
  __m256i p = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  __m256i q = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return mul(mul(a, _mm256_castsi256_ps(p)), _mm256_castsi256_ps(q));
}

WG_INLINE vm gt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
WG_INLINE vm ge(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
WG_INLINE vm eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
WG_INLINE vf select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }
WG_INLINE vi select(vm m, vi a, vi b) {
  return _mm256_blendv_epi8(b, a, _mm256_castps_si256(m));
}
WG_INLINE uint32_t bits(vm m) { return (uint32_t)_mm256_movemask_ps(m); }

WG_INLINE vm from_bits(uint32_t a) {
  __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  __m256i mine = _mm256_and_si256(_mm256_set1_epi32((int32_t)a), bit);
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(mine, bit));
}
WG_INLINE vm both(vm a, vm b) { return _mm256_and_ps(a, b); }
WG_INLINE vm either(vm a, vm b) { return _mm256_or_ps(a, b); }
WG_INLINE vm gt_int(vi a, vi b) { return _mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b)); }
// One more in the lanes of m.
WG_INLINE vi count(vi a, vm m) { return _mm256_sub_epi32(a, _mm256_castps_si256(m)); }

WG_INLINE vf to_float(vi a) { return _mm256_cvtepi32_ps(a); }
// To the nearest; within the range of int32.
WG_INLINE vi to_int(vf a) { return _mm256_cvtps_epi32(a); }
WG_INLINE vi splat_int(int32_t a) { return _mm256_set1_epi32(a); }
WG_INLINE void store_int(int32_t* p, vi a) { _mm256_storeu_si256((__m256i*)p, a); }
WG_INLINE vf splat_lane(vf a, int lane) {
  return _mm256_permutevar8x32_ps(a, _mm256_set1_epi32(lane));
}
// Lane i gets lane i-1; lane 0 gets the last lane of `before`.
WG_INLINE vi shift_in(vi before, vi a) {
  __m256i middle = _mm256_permute2x128_si256(before, a, 0x21);
  return _mm256_alignr_epi8(a, middle, 12);
}
WG_INLINE vf shift_in(vf before, vf a) {
  return _mm256_castsi256_ps(shift_in(_mm256_castps_si256(before), _mm256_castps_si256(a)));
}
// a + b in the lanes whose bit is set.
WG_INLINE vf add_where(vf a, uint64_t set, vf b) {
  return _mm256_blendv_ps(a, _mm256_add_ps(a, b), from_bits((uint32_t)set));
}

// Over all lanes, in one fixed order.
WG_INLINE float largest(vf a) {
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
WG_INLINE float sum(vf a) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// 0, 1, 2...
WG_INLINE vi lane_numbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
WG_INLINE vi add_int(vi a, vi b) { return _mm256_add_epi32(a, b); }
WG_INLINE vi sub_int(vi a, vi b) { return _mm256_sub_epi32(a, b); }
WG_INLINE vi load_int(const int32_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
// The lanes of m, moved together to the front. Stores LANES of them; those beyond are unspecified.
WG_INLINE void pack(float* p, int32_t* q, vf a, vi b, vm m) {
  // A byte of ones for each lane of m, then the numbers of those lanes, a byte each.
  uint64_t lanes = _pdep_u64(bits(m), 0x0101010101010101ull) * 0xff;
  __m128i bytes = _mm_cvtsi64_si128((int64_t)_pext_u64(0x0706050403020100ull, lanes));
  __m256i from = _mm256_cvtepu8_epi32(bytes);
  store(p, _mm256_permutevar8x32_ps(a, from));
  store_int(q, _mm256_permutevar8x32_epi32(b, from));
}
// The bits of a at the places of m, moved together to the low end.
WG_INLINE uint32_t pack_bits(uint32_t a, uint32_t m) { return _pext_u32(a, m); }

// The sums over the lanes of four vectors, each in one fixed order.
WG_INLINE void store_sums(float* out, vf a, vf b, vf c, vf d) {
  __m256 ab = _mm256_hadd_ps(a, b);
  __m256 cd = _mm256_hadd_ps(c, d);
  __m256 abcd = _mm256_hadd_ps(ab, cd);
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1)));
}

}  // namespace

#endif
