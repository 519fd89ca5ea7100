// Rows of fp32 or fp16 weights times vectors. Include after the tier's vector.h and words.h;
// every tier has its own copy, with internal linkage.
//
// An element of the result is always summed the same way: one vector accumulator along the row, the
// tail as a partly filled vector, then the lanes in a fixed order. So its bits don't depend on the
// number of vectors, the panel, the part or the other experts.
#ifndef WARMGATE_DENSE_H
#define WARMGATE_DENSE_H

namespace {

constexpr int64_t ROWS = 4;         // rows of a register tile
constexpr int64_t BLOCK_ROWS = 16;  // rows of a call
constexpr int64_t PREFETCH = 256;  // how many columns ahead rows are fetched

template <int T>
struct Count {
  static constexpr int value = T;
};

// Calls `call` with a number of tokens in 1..TILE as a constant.
template <int T, typename Call>
WG_INLINE void with_count(int64_t tokens, Call call) {
  if constexpr (T < TILE) {
    if (tokens != T) return with_count<T + 1>(tokens, call);
  }
  call(Count<T>{});
}

// The first n < LANES values; the others are 0, and their memory is not touched.
WG_INLINE vf load_first(const half* p, int64_t n, vf) {
  half lanes[LANES] = {};
  memcpy(lanes, p, (size_t)n * sizeof(half));
  return load(lanes);
}

// Columns from..to, whole vectors, of 4 rows times T vectors, added to acc.
template <typename W, int T, bool FETCH>
WG_INLINE void dot_span(const W* const* w, const float* const* x, int64_t from, int64_t to,
                        int64_t ahead, vf acc[T][ROWS]) {
  const W *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  // Few instructions a load, so that the processor sees many loads ahead.
#pragma GCC unroll 2
  for (int64_t i = from; i < to; i += LANES) {
    vf v[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) v[t] = load(x[t] + i);
    const W* rows[ROWS] = {w0 + i, w1 + i, w2 + i, w3 + i};
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) {
      if (FETCH) __builtin_prefetch(rows[r] + ahead);  // a hint: harmless past the matrix
      vf row = load(rows[r]);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) acc[t][r] = fma(row, v[t], acc[t][r]);
    }
  }
}

// FETCH: the rows come from memory, and the 4 rows that follow will be wanted next.
template <typename W, int T, bool FETCH>
WG_INLINE void dot(const W* const* w, const float* const* x, int64_t n, vf acc[T][ROWS]) {
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) {
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) acc[t][r] = splat(0.0f);
  }
  int64_t i = n / LANES * LANES;
  if (FETCH) {
    // Near the end of the rows the next ones are fetched.
    int64_t near = n > PREFETCH ? (n - PREFETCH) / LANES * LANES : 0;
    dot_span<W, T, true>(w, x, 0, near, PREFETCH, acc);
    dot_span<W, T, true>(w, x, near, i, (ROWS - 1) * n + PREFETCH, acc);
  } else {
    dot_span<W, T, false>(w, x, 0, i, 0, acc);
  }
  if (i < n) {
    const vf zero = splat(0.0f);
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) {
      vf row = load_first(w[r] + i, n - i, zero);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) {
        acc[t][r] = fma(row, load_first(x[t] + i, n - i, zero), acc[t][r]);
      }
    }
  }
}

// Up to 4 rows times T vectors: out[t * stride + r]. Missing rows repeat the last one; out has room
// for 4.
template <typename W, int T, bool FETCH>
void dot_rows(const W* w, int64_t rows, const float* const* x, int64_t n, float* out,
              int64_t stride) {
  const W* row[ROWS];
  for (int64_t r = 0; r < ROWS; r++) row[r] = w + (r < rows ? r : rows - 1) * n;
  vf sums[T][ROWS];
  dot<W, T, FETCH>(row, x, n, sums);
  for (int t = 0; t < T; t++) {
    store_sums(out + t * stride, sums[t][0], sums[t][1], sums[t][2], sums[t][3]);
  }
}

// Rows of one matrix as `multiply` wants them.
template <typename W>
struct DenseRows {
  static constexpr int64_t TOKENS = TILE;
  const W* weights;
  int64_t columns;
  const float* x[TOKENS];
  int64_t tokens;

  WG_INLINE int64_t row_bytes() const { return columns * (int64_t)sizeof(W); }
  WG_INLINE int64_t chunks() const { return 1; }
  WG_INLINE void prepare(int64_t, int64_t count, const float* const* vectors) {
    tokens = count;
    for (int64_t t = 0; t < count; t++) x[t] = vectors[t];
  }
  // Up to BLOCK_ROWS rows from `row` on: sums[t * stride + r], which has room for whole tiles. `fetch`:
  // they come from memory.
  WG_INLINE void dot(int64_t row, int64_t rows, bool fetch, float* sums, int64_t stride) const {
    const W* w = weights + row * columns;
    with_count<1>(tokens, [&](auto some) {
      for (int64_t r = 0; r < rows; r += ROWS) {
        const int64_t here = rows - r < ROWS ? rows - r : ROWS;
        if (fetch) {
          dot_rows<W, some.value, true>(w + r * columns, here, x, columns, sums + r, stride);
        } else {
          dot_rows<W, some.value, false>(w + r * columns, here, x, columns, sums + r, stride);
        }
      }
    });
  }
};

}  // namespace

#endif
