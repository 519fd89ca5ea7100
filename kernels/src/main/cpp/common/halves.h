// fp16 to fp32 and back. Include after dense.h; every tier has its own copy, with internal linkage.
#ifndef WARMGATE_HALVES_H
#define WARMGATE_HALVES_H

namespace {

void widen(const half* halves, float* floats, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(floats + i, load(halves + i));
  if (i < n) store_first(floats + i, n - i, load_first(halves + i, n - i, splat(0.0f)));
}

// To the nearest, ties to even.
void narrow(const float* floats, half* halves, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(halves + i, load(floats + i));
  if (i < n) {
    half lanes[LANES];
    store(lanes, load_first(floats + i, n - i, splat(0.0f)));
    memcpy(halves + i, lanes, (size_t)(n - i) * sizeof(half));
  }
}

}  // namespace

#endif
