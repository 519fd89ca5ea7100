// The first two feed-forward steps with packed weights, and what they share with the others. Include
// after packed_rows.h; every tier and every variant of one has its own copy, with internal linkage.
#ifndef WARMGATE_FFN_H
#define WARMGATE_FFN_H

namespace {

constexpr int64_t PART_ROWS = BLOCK_ROWS;  // parts begin at multiples of this
constexpr int64_t MAX_PANEL = 128;  // rows between two activations; a multiple of PART_ROWS
constexpr int64_t PANEL_BYTES = 256 << 10;  // of weights, to stay in L2 while all tokens pass
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

// Which rows of a matrix and of its bias an element is made of: sets of them begin at first[0] and, if
// there are two, first[1]; in each an element has `each` rows.
struct Lines {
  int sets;
  int64_t first[2];
  int64_t each;
};

// A bias in fp32 or fp16; `values` may be null.
struct Bias {
  const void* values;
  bool halves;

  WG_INLINE float at(int64_t row) const {
    if (!values) return 0.0f;
    if (!halves) return get((const float*)values, row);
    float lanes[LANES];
    store(lanes, load_first((const half*)values + row, 1, splat(0.0f)));
    return lanes[0];
  }
};

// Sums of one panel: [tokens][rows] of each set of lines.
template <int64_t TOKENS>
struct Panel {
  alignas(64) float sums[2][TOKENS][MAX_PANEL];
  alignas(64) float bias[2][MAX_PANEL];
};

WG_INLINE int64_t panel_rows(int64_t row_bytes) {
  int64_t rows = PANEL_BYTES / row_bytes / PART_ROWS * PART_ROWS;
  return rows < PART_ROWS ? PART_ROWS : rows > MAX_PANEL ? MAX_PANEL : rows;
}

// Out of line: every kind of weights has its own copy of what calls it.
__attribute__((noinline)) vf activate(const wg_ffn& b, vf gate, vf linear) {
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

// One of the two steps of an expert, without its matrix.
struct Job {
  const wg_ffn& batch;
  const wg_expert& expert;
  bool first;
  Lines lines;
  Bias bias;

  // The vector that an assignment is multiplied by, and where its results go.
  WG_INLINE const float* source(int32_t assignment) const {
    return first ? batch.x + assignment / batch.top_k * (int64_t)batch.hidden
                 : batch.inner_values + assignment * (int64_t)batch.inner;
  }
  WG_INLINE float* target(int32_t assignment) const {
    return first ? batch.inner_values + assignment * (int64_t)batch.inner
                 : batch.partial + assignment * (int64_t)batch.hidden;
  }
};

Job job_of(const wg_ffn& b, const wg_expert& e, bool first) {
  const Lines one = {1, {0, 0}, 1};
  if (!first) return {b, e, false, one, {e.bias2, b.half_biases != 0}};
  const Bias bias = {e.bias1, b.half_biases != 0};
  switch (b.activation) {
    case WG_SWIGLU_INTERLEAVED:
      return {b, e, true, {1, {0, 0}, 2}, bias};
    case WG_SWIGLU_HALVES:
      return {b, e, true, {2, {0, b.inner}, 1}, bias};
    default:
      return {b, e, true, one, bias};
  }
}

// The results of LANES elements of a token, from element r on.
template <int64_t TOKENS>
WG_INLINE vf results(const Panel<TOKENS>& panel, const Job& job, int64_t token, int64_t r) {
  vf gate, linear;
  if (job.lines.each == 1) {
    const int last = job.lines.sets - 1;
    gate = add(load(panel.sums[0][token] + r), load(panel.bias[0] + r));
    linear = add(load(panel.sums[last][token] + r), load(panel.bias[last] + r));
  } else {
    alignas(64) float apart[2][LANES];
    for (int64_t i = 0; i < 2 * LANES; i++) {
      apart[i % 2][i / 2] = panel.sums[0][token][2 * r + i] + panel.bias[0][2 * r + i];
    }
    gate = load(apart[0]);
    linear = load(apart[1]);
  }
  return job.first ? activate(job.batch, gate, linear) : gate;
}

// A matrix, for elements from..to, times all vectors of an expert.
template <typename Matrix>
void multiply(Matrix& matrix, const Job& job, Range range) {
  constexpr int64_t TOKENS = Matrix::TOKENS;
  const wg_expert& e = job.expert;
  const Lines& lines = job.lines;
  Panel<TOKENS> panel;
  const int64_t panel_size = panel_rows(matrix.row_bytes() * lines.sets) / lines.each;
  for (int64_t from = range.from; from < range.to; from += panel_size) {
    const int64_t elements = range.to - from < panel_size ? range.to - from : panel_size;
    const int64_t rows = elements * lines.each;
    for (int m = 0; m < lines.sets; m++) {
      for (int64_t r = 0; r < rows; r++) {
        panel.bias[m][r] = job.bias.at(lines.first[m] + from * lines.each + r);
      }
    }
    for (int64_t c = 0; c < e.count; c += TOKENS) {
      const int64_t tokens = e.count - c < TOKENS ? e.count - c : TOKENS;
      const float* x[TOKENS];
      float* y[TOKENS];
      for (int64_t t = 0; t < tokens; t++) {
        int32_t assignment = get(e.assignments, c + t);
        x[t] = job.source(assignment);
        y[t] = job.target(assignment) + from;
      }
      for (int64_t chunk = 0; chunk < matrix.chunks(); chunk++) {
        matrix.prepare(chunk, tokens, x);
        for (int m = 0; m < lines.sets; m++) {
          for (int64_t r = 0; r < rows; r += BLOCK_ROWS) {
            // Later tokens find the panel in the cache.
            matrix.dot(lines.first[m] + from * lines.each + r,
                       rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS, c == 0,
                       panel.sums[m][0] + r, MAX_PANEL);
          }
        }
      }
      for (int64_t t = 0; t < tokens; t++) {
        for (int64_t r = 0; r < elements; r += LANES) {
          const vf result = results(panel, job, t, r);
          if (elements - r >= LANES) {
            store(y[t] + r, result);
          } else {
            store_first(y[t] + r, elements - r, result);
          }
        }
      }
    }
  }
}

WG_INLINE PackedMatrix packed_matrix(const wg_ffn& b, bool first, const wg_expert& e) {
  PackedMatrix m;
  m.weights = (const uint8_t*)(first ? e.fc1 : e.fc2);
  m.scales = (const uint8_t*)(first ? e.scales1 : e.scales2);
  m.zeros = (const uint8_t*)(first ? e.zeros1 : e.zeros2);
  m.columns = first ? b.hidden : b.inner;
  m.row_bytes = (m.columns * b.bits + 7) / 8;
  m.blocks = b.block == 0 ? 1 : (m.columns + b.block - 1) / b.block;
  m.block = b.block;
  m.zero_bytes = (m.blocks * b.bits + 7) / 8;
  m.half_scales = b.half_scales != 0;
  return m;
}

template <int BITS, int DIGITS, int GROUP>
void packed_step(const wg_ffn& b, bool first, Range range) {
  using Packed = PackedRows<BITS, DIGITS, GROUP>;
  typename Packed::Tile tile;
  for (int32_t i = 0; i < b.expert_count; i++) {
    wg_expert e = b.experts[i];
    const PackedMatrix m = packed_matrix(b, first, e);
    Packed rows = {m, tile, {}, 0, {}};
    const AnyPackedRows any = rows.any();
    // Weights come from memory once more for each of these; preparing tokens again would cost more.
    const int64_t count = e.count, some = Packed::tokens_of(m.columns);
    for (int64_t from = 0; from < count; from += some) {
      e.assignments = b.experts[i].assignments + from;
      e.count = count - from < some ? count - from : some;
      multiply(any, job_of(b, e, first), range);
    }
  }
}

template <int BITS, int DIGITS>
void packed_step(const wg_ffn& b, bool first, Range range) {
  if (b.block == 16) {
    packed_step<BITS, DIGITS, 16>(b, first, range);
  } else {
    packed_step<BITS, DIGITS, 32>(b, first, range);
  }
}

// A part of a step, if weights are packed.
void packed_step(const wg_ffn& b, bool first, Range range) {
  switch (b.bits * 2 + (b.fast != 0)) {
    case 8 * 2:
      return packed_step<8, EXACT_DIGITS>(b, first, range);
    case 8 * 2 + 1:
      return packed_step<8, FAST_DIGITS>(b, first, range);
    case 4 * 2:
      return packed_step<4, EXACT_DIGITS>(b, first, range);
    case 4 * 2 + 1:
      return packed_step<4, FAST_DIGITS>(b, first, range);
    case 2 * 2:
      return packed_step<2, EXACT_DIGITS>(b, first, range);
    default:
      return packed_step<2, FAST_DIGITS>(b, first, range);
  }
}

WG_INLINE Range part_of(const wg_ffn& b, bool first, int64_t part) {
  return range_of(first ? b.inner : b.hidden, PART_ROWS, part, b.parts);
}

WG_INLINE bool is_packed(const wg_ffn& b) { return b.bits <= 8; }

}  // namespace

#endif
