// The vector operations of the AVX-512 tier. Everything has internal linkage: the linker must never
// merge these with another tier's.
#ifndef WARMGATE_AVX512_VECTOR_H
#define WARMGATE_AVX512_VECTOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define WG_INLINE inline __attribute__((always_inline))

namespace {

using vf = __m512;
using vi = __m512i;
using vm = __mmask16;

constexpr int LANES = 16;
constexpr int TILE = 6;  // tokens of a register tile: 4 rows x 6 tokens are 24 of 32 registers

WG_INLINE vm first(int64_t n) { return (vm)((1u << n) - 1); }

// An fp16 value.
struct half {
  uint16_t bits;
};

WG_INLINE vf splat(float a) { return _mm512_set1_ps(a); }
WG_INLINE vf load(const float* p) { return _mm512_loadu_ps(p); }
WG_INLINE void store(float* p, vf a) { _mm512_storeu_ps(p, a); }
// The first n < LANES values; the others are `rest`, and their memory is not touched.
WG_INLINE vf load_first(const float* p, int64_t n, vf rest) {
  return _mm512_mask_loadu_ps(rest, first(n), p);
}
WG_INLINE void store_first(float* p, int64_t n, vf a) { _mm512_mask_storeu_ps(p, first(n), a); }

WG_INLINE vf add(vf a, vf b) { return _mm512_add_ps(a, b); }
WG_INLINE vf sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
WG_INLINE vf mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
WG_INLINE vf div(vf a, vf b) { return _mm512_div_ps(a, b); }
WG_INLINE vf fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }    // a*b + c
WG_INLINE vf fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a*b
// A NaN in a gives b.
WG_INLINE vf max_or(vf a, vf b) { return _mm512_max_ps(a, b); }
// A NaN in b gives NaN.
WG_INLINE vf min_nan(vf a, vf b) { return _mm512_min_ps(a, b); }
WG_INLINE vf max_nan(vf a, vf b) { return _mm512_max_ps(a, b); }
WG_INLINE vf round(vf a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// a * 2^n for integral n, with the right result at both ends of the range.
WG_INLINE vf scale(vf a, vf n) { return _mm512_scalef_ps(a, n); }

// With b first, as a may come from memory.
WG_INLINE vm gt(vf a, vf b) { return _mm512_cmp_ps_mask(b, a, _CMP_LT_OQ); }
WG_INLINE vm ge(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
WG_INLINE vm eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
WG_INLINE vf select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }
WG_INLINE vi select(vm m, vi a, vi b) { return _mm512_mask_blend_epi32(m, b, a); }
WG_INLINE uint32_t bits(vm m) { return m; }

WG_INLINE vm from_bits(uint32_t a) { return (vm)a; }
WG_INLINE vm both(vm a, vm b) { return (vm)(a & b); }
WG_INLINE vm either(vm a, vm b) { return (vm)(a | b); }
WG_INLINE vm gt_int(vi a, vi b) { return _mm512_cmpgt_epi32_mask(a, b); }
// One more in the lanes of m.
WG_INLINE vi count(vi a, vm m) { return _mm512_mask_add_epi32(a, m, a, _mm512_set1_epi32(1)); }

WG_INLINE vf to_float(vi a) { return _mm512_cvtepi32_ps(a); }
// To the nearest; within the range of int32.
WG_INLINE vi to_int(vf a) { return _mm512_cvtps_epi32(a); }
WG_INLINE vi splat_int(int32_t a) { return _mm512_set1_epi32(a); }
WG_INLINE void store_int(int32_t* p, vi a) { _mm512_storeu_si512(p, a); }
WG_INLINE vf splat_lane(vf a, int lane) {
  return _mm512_permutexvar_ps(_mm512_set1_epi32(lane), a);
}
// Lane i gets lane i-1; lane 0 gets the last lane of `before`.
WG_INLINE vi shift_in(vi before, vi a) { return _mm512_alignr_epi32(a, before, LANES - 1); }
WG_INLINE vf shift_in(vf before, vf a) {
  return _mm512_castsi512_ps(shift_in(_mm512_castps_si512(before), _mm512_castps_si512(a)));
}
// a + b in the lanes whose bit is set.
WG_INLINE vf add_where(vf a, uint64_t set, vf b) { return _mm512_mask_add_ps(a, (vm)set, a, b); }

// Over all lanes, in one fixed order.
WG_INLINE float largest(vf a) { return _mm512_reduce_max_ps(a); }
WG_INLINE float sum(vf a) { return _mm512_reduce_add_ps(a); }

// 0, 1, 2...
WG_INLINE vi lane_numbers() {
  return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
WG_INLINE vi add_int(vi a, vi b) { return _mm512_add_epi32(a, b); }
WG_INLINE vi sub_int(vi a, vi b) { return _mm512_sub_epi32(a, b); }
WG_INLINE vi load_int(const int32_t* p) { return _mm512_loadu_si512(p); }
// The lanes of m, moved together to the front. Stores LANES of them; those beyond are unspecified.
WG_INLINE void pack(float* p, int32_t* q, vf a, vi b, vm m) {
  store(p, _mm512_maskz_compress_ps(m, a));
  store_int(q, _mm512_maskz_compress_epi32(m, b));
}
// The bits of a at the places of m, moved together to the low end.
WG_INLINE uint32_t pack_bits(uint32_t a, uint32_t m) { return _pext_u32(a, m); }

// The sums over the lanes of four vectors, each in one fixed order.
WG_INLINE void store_sums(float* out, vf a, vf b, vf c, vf d) {
  // Pairs of vectors are folded together: 16 lanes to 8, 4, 2, 1.
  __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
  __m512 abcd =
      _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  __m512 two = _mm512_add_ps(abcd, _mm512_permute_ps(abcd, 0x4e));
  __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xb1));
  const __m512i pick = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(pick, one)));
}

}  // namespace

#endif
