// The feed-forward steps on a tier's vectors. Include after the tier's vector.h and math.h; every tier
// has its own copy, with internal linkage.
//
// The heart is `dot`: 4 rows of a matrix times T vectors. An element of the result is always summed
// the same way: one vector accumulator along the row, the tail as a partly filled vector, then the
// lanes in a fixed order. So its bits don't depend on T, the panel, the part or the other experts.
#ifndef WARMGATE_FFN_H
#define WARMGATE_FFN_H

namespace {

constexpr int64_t ROWS = 4;         // rows of a register tile
constexpr int64_t PART_ROWS = 16;   // parts begin at multiples of this
constexpr int64_t MAX_PANEL = 64;   // rows between two activations; a multiple of PART_ROWS
constexpr int64_t PANEL_BYTES = 256 << 10;  // of weights, to stay in L2 while all tokens pass
constexpr int64_t PREFETCH = 256;  // how many columns ahead the rows are fetched that come from memory
constexpr int64_t COMBINE_COLUMNS = 128;

struct Range {
  int64_t from;
  int64_t to;
};

// Part `part` of n things, in whole blocks; may be empty.
WG_INLINE Range range_of(int64_t n, int64_t block, int64_t part, int64_t parts) {
  int64_t blocks = (n + block - 1) / block;
  int64_t from = blocks * part / parts * block;
  int64_t to = blocks * (part + 1) / parts * block;
  return {from < n ? from : n, to < n ? to : n};
}

// Columns from..to, whole vectors, of 4 rows times T vectors, added to acc.
template <int T, bool FETCH>
WG_INLINE void dot_span(const float* const* w, const float* const* x, int64_t from, int64_t to,
                        int64_t ahead, vf acc[T][ROWS]) {
  const float *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  // Few instructions a load, so that the processor sees many loads ahead.
#pragma GCC unroll 2
  for (int64_t i = from; i < to; i += LANES) {
    vf v[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) v[t] = load(x[t] + i);
    const float* rows[ROWS] = {w0 + i, w1 + i, w2 + i, w3 + i};
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) {
      if (FETCH) __builtin_prefetch(rows[r] + ahead);  // a hint: harmless past the matrix
      vf row = load(rows[r]);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) acc[t][r] = fma(row, v[t], acc[t][r]);
    }
  }
}

// FETCH: the rows come from memory, and the 4 rows that follow in memory will be wanted next.
template <int T, bool FETCH>
WG_INLINE void dot(const float* const* w, const float* const* x, int64_t n, vf sums[T][ROWS]) {
  vf acc[T][ROWS];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) {
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) acc[t][r] = splat(0.0f);
  }
  int64_t i = n / LANES * LANES;
  if (FETCH) {
    // Near the end of the rows the next ones are fetched.
    int64_t near = n > PREFETCH ? (n - PREFETCH) / LANES * LANES : 0;
    dot_span<T, true>(w, x, 0, near, PREFETCH, acc);
    dot_span<T, true>(w, x, near, i, ROWS * (w[1] - w[0]) + PREFETCH - n, acc);
  } else {
    dot_span<T, false>(w, x, 0, i, 0, acc);
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
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) {
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) sums[t][r] = acc[t][r];
  }
}

// Up to 4 rows, `ld` apart, times T vectors: out[t * stride + r]. Missing rows repeat the last one;
// out has room for 4.
template <int T, bool FETCH>
void dot_rows(const float* w, int64_t ld, int64_t rows, const float* const* x, int64_t n, float* out,
              int64_t stride) {
  const float* row[ROWS];
  for (int64_t r = 0; r < ROWS; r++) row[r] = w + (r < rows ? r : rows - 1) * ld;
  vf sums[T][ROWS];
  dot<T, FETCH>(row, x, n, sums);
  for (int t = 0; t < T; t++) {
    store_sums(out + t * stride, sums[t][0], sums[t][1], sums[t][2], sums[t][3]);
  }
}

template <bool FETCH>
WG_INLINE void dot_tile(int tokens, const float* w, int64_t ld, int64_t rows, const float* const* x,
                        int64_t n, float* out, int64_t stride) {
  static_assert(TILE <= 6, "a case for each number of tokens");
  switch (tokens) {
    case 1:
      return dot_rows<1, FETCH>(w, ld, rows, x, n, out, stride);
    case 2:
      return dot_rows<2, FETCH>(w, ld, rows, x, n, out, stride);
    case 3:
      return dot_rows<3, FETCH>(w, ld, rows, x, n, out, stride);
    case 4:
      if constexpr (TILE >= 4) return dot_rows<4, FETCH>(w, ld, rows, x, n, out, stride);
      return;
    case 5:
      if constexpr (TILE >= 5) return dot_rows<5, FETCH>(w, ld, rows, x, n, out, stride);
      return;
    case 6:
      if constexpr (TILE >= 6) return dot_rows<6, FETCH>(w, ld, rows, x, n, out, stride);
      return;
  }
}

// A matrix whose row i begins at `rows + i * ld`; bias i is at `bias + i * bias_step`.
struct Matrix {
  const float* rows;
  int64_t ld;
  const float* bias;
  int64_t bias_step;
};

// Sums of one panel: [tokens][rows], one block for the gate (or only) matrix, one for the linear one.
struct Panel {
  alignas(64) float sums[2][TILE][MAX_PANEL];
  alignas(64) float bias[2][MAX_PANEL];
};

WG_INLINE int64_t panel_rows(int64_t row_bytes) {
  int64_t rows = PANEL_BYTES / row_bytes / PART_ROWS * PART_ROWS;
  return rows < PART_ROWS ? PART_ROWS : rows > MAX_PANEL ? MAX_PANEL : rows;
}

WG_INLINE vf activate(const wg_ffn& b, vf gate, vf linear) {
  switch (b.activation) {
    case WG_RELU:
      return max_or(gate, splat(0.0f));
    case WG_GELU:
      return gelu(gate);
    case WG_SILU:
      return mul(gate, sigmoid(gate));
    case WG_SWIGLU_INTERLEAVED:
    case WG_SWIGLU_HALVES:
      return swiglu(gate, linear, splat(b.alpha), splat(b.beta), splat(b.limit));
    default:
      return gate;
  }
}

// Rows from..to of one or two matrices times all vectors of an expert. `source` and `target` give the
// vector and the row of results of an assignment, `finish` what becomes of a gate and a linear sum.
template <int M, typename Source, typename Target, typename Finish>
WG_INLINE void multiply(const Matrix (&matrix)[M], int64_t n, Range range, const wg_expert& e,
                        Source source, Target target, Finish finish) {
  Panel panel;
  int64_t panel_size = panel_rows(n * M * (int64_t)sizeof(float));
  for (int64_t from = range.from; from < range.to; from += panel_size) {
    int64_t rows = range.to - from < panel_size ? range.to - from : panel_size;
    for (int m = 0; m < M; m++) {
      for (int64_t r = 0; r < rows; r++) {
        panel.bias[m][r] =
            matrix[m].bias ? get(matrix[m].bias, (from + r) * matrix[m].bias_step) : 0.0f;
      }
    }
    for (int64_t c = 0; c < e.count; c += TILE) {
      int tokens = (int)(e.count - c < TILE ? e.count - c : TILE);
      const float* x[TILE];
      float* y[TILE];
      for (int t = 0; t < tokens; t++) {
        int32_t assignment = get(e.assignments, c + t);
        x[t] = source(assignment);
        y[t] = target(assignment) + from;
      }
      // In the order of memory: interleaved matrices together, separate ones one after the other.
      const int64_t group = matrix[0].ld > n ? ROWS : rows;
      for (int64_t g = 0; g < rows; g += group) {
        for (int m = 0; m < M; m++) {
          for (int64_t r = g; r < rows && r < g + group; r += ROWS) {
            int64_t some = rows - r < ROWS ? rows - r : ROWS;
            const float* w = matrix[m].rows + (from + r) * matrix[m].ld;
            float* sums = panel.sums[m][0] + r;
            // Later tokens find the panel in the cache.
            if (c == 0) {
              dot_tile<true>(tokens, w, matrix[m].ld, some, x, n, sums, MAX_PANEL);
            } else {
              dot_tile<false>(tokens, w, matrix[m].ld, some, x, n, sums, MAX_PANEL);
            }
          }
        }
      }
      for (int t = 0; t < tokens; t++) {
        for (int64_t r = 0; r < rows; r += LANES) {
          vf gate = add(load(panel.sums[0][t] + r), load(panel.bias[0] + r));
          vf linear = add(load(panel.sums[M - 1][t] + r), load(panel.bias[M - 1] + r));
          vf result = finish(gate, linear);
          if (rows - r >= LANES) {
            store(y[t] + r, result);
          } else {
            store_first(y[t] + r, rows - r, result);
          }
        }
      }
    }
  }
}

void ffn_up(const wg_ffn& b, int64_t part) {
  const int64_t hidden = b.hidden, inner = b.inner;
  Range range = range_of(inner, PART_ROWS, part, b.parts);
  auto source = [&](int32_t a) { return b.x + a / b.top_k * hidden; };
  auto target = [&](int32_t a) { return b.inner_values + a * inner; };
  auto finish = [&](vf gate, vf linear) { return activate(b, gate, linear); };
  for (int32_t i = 0; i < b.expert_count; i++) {
    const wg_expert& e = b.experts[i];
    if (b.activation == WG_SWIGLU_INTERLEAVED) {
      const Matrix fc1[2] = {{e.fc1, 2 * hidden, e.bias1, 2},
                             {e.fc1 + hidden, 2 * hidden, e.bias1 ? e.bias1 + 1 : nullptr, 2}};
      multiply(fc1, hidden, range, e, source, target, finish);
    } else if (b.activation == WG_SWIGLU_HALVES) {
      const Matrix fc1[2] = {
          {e.fc1, hidden, e.bias1, 1},
          {e.fc1 + inner * hidden, hidden, e.bias1 ? e.bias1 + inner : nullptr, 1}};
      multiply(fc1, hidden, range, e, source, target, finish);
    } else {
      const Matrix fc1[1] = {{e.fc1, hidden, e.bias1, 1}};
      multiply(fc1, hidden, range, e, source, target, finish);
    }
  }
}

void ffn_down(const wg_ffn& b, int64_t part) {
  const int64_t hidden = b.hidden, inner = b.inner;
  Range range = range_of(hidden, PART_ROWS, part, b.parts);
  auto source = [&](int32_t a) { return b.inner_values + a * inner; };
  auto target = [&](int32_t a) { return b.partial + a * hidden; };
  auto finish = [](vf sum, vf) { return sum; };
  for (int32_t i = 0; i < b.expert_count; i++) {
    const wg_expert& e = b.experts[i];
    const Matrix fc2[1] = {{e.fc2, inner, e.bias2, 1}};
    multiply(fc2, inner, range, e, source, target, finish);
  }
}

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
