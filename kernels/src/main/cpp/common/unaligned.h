// Values at any byte address. Include after the tier's vector.h.
#ifndef WARMGATE_UNALIGNED_H
#define WARMGATE_UNALIGNED_H

namespace {

WG_INLINE float get(const float* p, int64_t i) {
  float a;
  memcpy(&a, p + i, sizeof a);
  return a;
}

WG_INLINE int32_t get(const int32_t* p, int64_t i) {
  int32_t a;
  memcpy(&a, p + i, sizeof a);
  return a;
}

WG_INLINE void put(int32_t* p, int64_t i, int32_t a) { memcpy(p + i, &a, sizeof a); }
WG_INLINE void put(float* p, int64_t i, float a) { memcpy(p + i, &a, sizeof a); }

}  // namespace

#endif
