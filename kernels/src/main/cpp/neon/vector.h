// The vector operations of the NEON tier. Everything has internal linkage: the linker must never
// merge these with another tier's.
#ifndef WARMGATE_NEON_VECTOR_H
#define WARMGATE_NEON_VECTOR_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define WG_INLINE inline __attribute__((always_inline))

namespace {

using vf = float32x4_t;
using vi = int32x4_t;
using vm = uint32x4_t;

constexpr int LANES = 4;
constexpr int TILE = 6;  // tokens of a register tile: 4 rows x 6 tokens are 24 of 32 registers

// An fp16 value.
struct half {
  uint16_t bits;
};

WG_INLINE vf splat(float a) { return vdupq_n_f32(a); }
// By memcpy, which is one load or store at any byte address.
WG_INLINE vf load(const float* p) {
  vf a;
  memcpy(&a, p, sizeof a);
  return a;
}
WG_INLINE void store(float* p, vf a) { memcpy(p, &a, sizeof a); }
// The first n < LANES values; the others are `rest`, and their memory is not touched.
WG_INLINE vf load_first(const float* p, int64_t n, vf rest) {
  float lanes[LANES];
  vst1q_f32(lanes, rest);
  for (int64_t i = 0; i < n; i++) memcpy(lanes + i, p + i, sizeof(float));
  return vld1q_f32(lanes);
}
WG_INLINE void store_first(float* p, int64_t n, vf a) {
  float lanes[LANES];
  vst1q_f32(lanes, a);
  for (int64_t i = 0; i < n; i++) memcpy(p + i, lanes + i, sizeof(float));
}

WG_INLINE vf add(vf a, vf b) { return vaddq_f32(a, b); }
WG_INLINE vf sub(vf a, vf b) { return vsubq_f32(a, b); }
WG_INLINE vf mul(vf a, vf b) { return vmulq_f32(a, b); }
WG_INLINE vf div(vf a, vf b) { return vdivq_f32(a, b); }
WG_INLINE vf fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }   // a*b + c
WG_INLINE vf fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }  // c - a*b
// A NaN in a gives b. Not vmaxnm: of a signalling NaN that makes a quiet one, and b is lost.
WG_INLINE vf max_or(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
// A NaN in b gives NaN.
WG_INLINE vf min_nan(vf a, vf b) { return vminq_f32(a, b); }
WG_INLINE vf max_nan(vf a, vf b) { return vmaxq_f32(a, b); }
WG_INLINE vf round(vf a) { return vrndnq_f32(a); }
// a * 2^n for integral n, with the right result at both ends of the range: half of n at a time.
WG_INLINE vf scale(vf a, vf n) {
  int32x4_t whole = vcvtq_s32_f32(n);
  int32x4_t half = vshrq_n_s32(whole, 1);
  int32x4_t bias = vdupq_n_s32(127);
  int32x4_t p = vshlq_n_s32(vaddq_s32(half, bias), 23);
  int32x4_t q = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
  return mul(mul(a, vreinterpretq_f32_s32(p)), vreinterpretq_f32_s32(q));
}

WG_INLINE vm gt(vf a, vf b) { return vcgtq_f32(a, b); }
WG_INLINE vm ge(vf a, vf b) { return vcgeq_f32(a, b); }
WG_INLINE vm eq(vf a, vf b) { return vceqq_f32(a, b); }
WG_INLINE vf select(vm m, vf a, vf b) { return vbslq_f32(m, a, b); }
WG_INLINE vi select(vm m, vi a, vi b) { return vbslq_s32(m, a, b); }
WG_INLINE uint32x4_t lane_bits() {
  const uint32_t lanes[LANES] = {1, 2, 4, 8};
  return vld1q_u32(lanes);
}
WG_INLINE uint32_t bits(vm m) { return vaddvq_u32(vandq_u32(m, lane_bits())); }

WG_INLINE vm from_bits(uint32_t a) { return vtstq_u32(vdupq_n_u32(a), lane_bits()); }
WG_INLINE vm both(vm a, vm b) { return vandq_u32(a, b); }
WG_INLINE vm either(vm a, vm b) { return vorrq_u32(a, b); }
WG_INLINE vm gt_int(vi a, vi b) { return vcgtq_s32(a, b); }
// One more in the lanes of m.
WG_INLINE vi count(vi a, vm m) { return vsubq_s32(a, vreinterpretq_s32_u32(m)); }

WG_INLINE vf to_float(vi a) { return vcvtq_f32_s32(a); }
// To the nearest; within the range of int32.
WG_INLINE vi to_int(vf a) { return vcvtnq_s32_f32(a); }
WG_INLINE vi splat_int(int32_t a) { return vdupq_n_s32(a); }
WG_INLINE void store_int(int32_t* p, vi a) { vst1q_s32(p, a); }
WG_INLINE vf splat_lane(vf a, int lane) {
  float lanes[LANES];
  vst1q_f32(lanes, a);
  return vdupq_n_f32(lanes[lane]);
}
// Lane i gets lane i-1; lane 0 gets the last lane of `before`.
WG_INLINE vi shift_in(vi before, vi a) { return vextq_s32(before, a, LANES - 1); }
WG_INLINE vf shift_in(vf before, vf a) { return vextq_f32(before, a, LANES - 1); }
// a + b in the lanes whose bit is set.
WG_INLINE vf add_where(vf a, uint64_t set, vf b) {
  return vbslq_f32(from_bits((uint32_t)set), vaddq_f32(a, b), a);
}

// Over all lanes, in one fixed order.
WG_INLINE float largest(vf a) { return vmaxnmvq_f32(a); }
WG_INLINE float sum(vf a) { return vaddvq_f32(a); }

// 0, 1, 2...
WG_INLINE vi lane_numbers() {
  const int32_t lanes[LANES] = {0, 1, 2, 3};
  return vld1q_s32(lanes);
}
WG_INLINE vi add_int(vi a, vi b) { return vaddq_s32(a, b); }
WG_INLINE vi sub_int(vi a, vi b) { return vsubq_s32(a, b); }
WG_INLINE vi load_int(const int32_t* p) { return vld1q_s32(p); }
// The lanes of m, moved together to the front. Stores LANES of them; those beyond are unspecified.
WG_INLINE void pack(float* p, int32_t* q, vf a, vi b, vm m) {
  float z[LANES];
  int32_t id[LANES];
  vst1q_f32(z, a);
  vst1q_s32(id, b);
  // Each goes to where it would be if it were the next, and is overwritten if it isn't wanted.
  uint32_t wanted = bits(m);
  int64_t n = 0;
  for (int i = 0; i < LANES; i++) {
    p[n] = z[i];
    q[n] = id[i];
    n += wanted >> i & 1;
  }
}
// The bits of a at the places of m, moved together to the low end.
WG_INLINE uint32_t pack_bits(uint32_t a, uint32_t m) {
  uint32_t packed = 0;
  for (int n = 0; m; m &= m - 1) packed |= (a >> __builtin_ctz(m) & 1) << n++;
  return packed;
}

// The sums over the lanes of four vectors, each in one fixed order.
WG_INLINE void store_sums(float* out, vf a, vf b, vf c, vf d) {
  store(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

}  // namespace

#endif
