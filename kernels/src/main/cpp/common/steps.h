// The feed-forward steps with any weights. Include after ffn.h; every tier has its own copy, with
// internal linkage.
#ifndef WARMGATE_STEPS_H
#define WARMGATE_STEPS_H

namespace {

template <typename W>
void dense_step(const wg_ffn& b, bool first, Range range) {
  for (int32_t i = 0; i < b.expert_count; i++) {
    const wg_expert& e = b.experts[i];
    DenseRows<W> rows = {(const W*)(first ? e.fc1 : e.fc2), first ? b.hidden : b.inner, {}, 0};
    multiply(rows, job_of(b, e, first), range);
  }
}

void step(const wg_ffn& b, bool first, int64_t part) {
  const Range range = part_of(b, first, part);
  if (range.from == range.to) return;
  if (is_packed(b)) {
    packed_step(b, first, range);
  } else if (b.bits == 16) {
    dense_step<half>(b, first, range);
  } else {
    dense_step<float>(b, first, range);
  }
}

void ffn_up(const wg_ffn& b, int64_t part) { step(b, true, part); }

void ffn_down(const wg_ffn& b, int64_t part) { step(b, false, part); }

// One vector (or, with n < LANES, part of one) of a token's output.
WG_INLINE vf combined(const wg_ffn& b, int64_t token, int64_t column, int64_t n) {
  vf sum = splat(0.0f);
  for (int64_t a = token * b.top_k; a < (token + 1) * b.top_k; a++) {
    float weight = get(b.gate_weights, a);
    // What is not served has weight 0 and a partial result that nobody wrote.
    if (weight == 0.0f) continue;
    const float* p = b.partial + a * b.hidden + column;
    sum = fma(splat(weight), n >= LANES ? load(p) : load_first(p, n, splat(0.0f)), sum);
  }
  return sum;
}

void ffn_combine(const wg_ffn& b, int64_t part) {
  const int64_t hidden = b.hidden;
  const int64_t blocks = (hidden + COMBINE_COLUMNS - 1) / COMBINE_COLUMNS;
  Range range = range_of(b.tokens * blocks, 1, part, b.parts);
  for (int64_t unit = range.from; unit < range.to; unit++) {
    int64_t token = unit / blocks;
    int64_t from = unit % blocks * COMBINE_COLUMNS;
    int64_t to = from + COMBINE_COLUMNS < hidden ? from + COMBINE_COLUMNS : hidden;
    float* out = b.out + token * hidden;
    for (int64_t c = from; c < to; c += LANES) {
      vf sum = combined(b, token, c, to - c);
      if (to - c >= LANES) {
        store(out + c, sum);
      } else {
        store_first(out + c, to - c, sum);
      }
    }
  }
}

}  // namespace

#endif
