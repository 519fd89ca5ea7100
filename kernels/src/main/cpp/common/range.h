// The running range of a plan's logits, which all threads learn without waiting: SharedRange.java says how,
// and does the same. Include after finish.h; every tier has its own copy, with internal linkage.
#ifndef WARMGATE_RANGE_H
#define WARMGATE_RANGE_H

namespace {

constexpr float MASKED = -3e38f;  // logits up to here are exporters' masks and have no range

// The running range as one thread has it: with what it has learnt and not yet published.
struct Learnt {
  float value;
  float base;  // what was published when it last looked
};

constexpr float MATERIAL = 1.0f / 32;  // SharedRange.MATERIAL

// Takes in what other threads have published since.
WG_INLINE Learnt read_range(const wg_route* plan) {
  const uint64_t word = __atomic_load_n(&plan->held, __ATOMIC_RELAXED);
  const uint32_t bits = __atomic_load_n((const uint32_t*)plan->published, __ATOMIC_RELAXED);
  Learnt range;
  float published;
  memcpy(&range, &word, sizeof range);
  memcpy(&published, &bits, sizeof published);
  if (__builtin_expect(range.base != published, false)) {
    float value = published + (range.value - range.base);
    range = {value > 0 ? smaller(value, __FLT_MAX__) : 0, published};
  }
  return range;
}

__attribute__((noinline, cold)) void publish(wg_route* plan, Learnt& range) {
  uint32_t before, after;
  memcpy(&before, &range.base, sizeof before);
  memcpy(&after, &range.value, sizeof after);
  // If another thread was quicker, the next token takes that in and tries again.
  if (__atomic_compare_exchange_n((uint32_t*)plan->published, &before, after, false,
                                  __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    range.base = range.value;
  }
}

// The plan's running range learns a token's; gives what it is now.
WG_INLINE float learn(wg_route* plan, const float* logits, float max, float min) {
  if (max == __builtin_inff()) {
    // Infinite logits are left out.
    max = minus_infinity();
    for (int64_t e = 0; e < plan->experts; e++) {
      float z = get(logits, e);
      if (z > MASKED && z < __builtin_inff() && z > max) max = z;
    }
  }
  Learnt range = read_range(plan);
  if (!(max >= min)) return range.value;
  const float now = smaller(max - min, __FLT_MAX__);
  const float learnt =
      range.value == 0 ? now : range.value + plan->range_rate * (now - range.value);
  range.value = smaller(learnt, __FLT_MAX__);
  if (__builtin_expect(__builtin_fabsf(range.value - range.base) > range.base * MATERIAL, false)) {
    publish(plan, range);
  }
  uint64_t word;
  memcpy(&word, &range, sizeof word);
  __atomic_store_n(&plan->held, word, __ATOMIC_RELAXED);
  return range.value;
}

}  // namespace

#endif
