// Rows of packed integers times prepared vectors. Include after the tier's vector.h and prepare.h;
// every tier has its own copy, with internal linkage.
//
// A weight is scale * (stored - zero point), so a row times x is the sum over blocks of
// scale * (sum of stored * x) less the sum of scale * zero point * (sum of x). An element of the
// result is always summed the same way: chunks of columns in their order, in each one vector
// accumulator along the row, then the lanes in a fixed order. So its bits don't depend on how many
// tokens or rows are computed together.
#ifndef WARMGATE_PACKED_H
#define WARMGATE_PACKED_H

namespace {

constexpr int64_t PACKED_ROWS = 4;  // rows that a call of dot_packed computes

// How a matrix is stored. `block` is 0 if a row has one scale.
struct PackedMatrix {
  const uint8_t* weights;  // [rows, row_bytes]
  const uint8_t* scales;   // [rows, blocks] of fp32 or fp16
  const uint8_t* zeros;    // [rows, zero_bytes], or [rows] packed if a row has one scale; or null
  int64_t columns;
  int64_t row_bytes;
  int64_t block;
  int64_t blocks;      // of a row
  int64_t zero_bytes;  // of a row
  bool half_scales;
};

// A chunk of the columns, and the blocks that it touches.
struct Chunk {
  int64_t from;
  int64_t columns;
  int64_t block;
  int64_t blocks;
};

WG_INLINE Chunk chunk_of(const PackedMatrix& m, int64_t from) {
  const int64_t columns = m.columns - from < CHUNK ? m.columns - from : CHUNK;
  if (m.block == 0) return {from, columns, 0, 1};
  const int64_t block = from / m.block;
  return {from, columns, block, (from + columns + m.block - 1) / m.block - block};
}

// What is stored less this is what dot_bytes multiplies.
template <int BITS>
constexpr int STORED_OFFSET = BITS == 8 && SIGNED_BYTES ? 128 : 0;

// Scales of a row's chunk, and each times what its zero point is above STORED_OFFSET, negative.
struct RowScales {
  alignas(64) float scales[MOST_BLOCKS + LANES];  // LANES at any of them can be loaded
  alignas(64) float zeros[MOST_BLOCKS];           // zeros up to a whole vector
};
constexpr int64_t ROW_FLOATS = sizeof(RowScales) / sizeof(float);

template <int BITS>
WG_INLINE int32_t packed_zero(const uint8_t* zeros, int64_t index) {
  constexpr int64_t PER_BYTE = 8 / BITS;
  return zeros[index / PER_BYTE] >> (index % PER_BYTE * BITS) & ((1 << BITS) - 1);
}

template <int BITS, bool FAST>
WG_INLINE void row_scales(const PackedMatrix& m, int64_t row, const Chunk& c, RowScales& out) {
  constexpr float OFFSET = FAST ? STORED_OFFSET<BITS> : 0;
  const int64_t first = row * m.blocks + c.block;
  const int64_t width = m.half_scales ? 2 : 4;
  const uint8_t* scales = m.scales + first * width;
  for (int64_t b = 0; b < c.blocks; b += LANES) {
    const int64_t some = c.blocks - b;
    vf s;
    if (m.half_scales) {
      const half* p = (const half*)(scales + 2 * b);
      s = some >= LANES ? load(p) : load_first(p, some, splat(0.0f));
    } else {
      const float* p = (const float*)(scales + 4 * b);
      s = some >= LANES ? load(p) : load_first(p, some, splat(0.0f));
    }
    store(out.scales + b, s);
    if (!m.zeros) store(out.zeros + b, mul(s, splat(OFFSET - (float)(1 << (BITS - 1)))));
  }
  if (m.zeros) {
    if (m.block == 0) {
      out.zeros[0] = out.scales[0] * (OFFSET - (float)packed_zero<BITS>(m.zeros, row));
      for (int64_t b = 1; b < LANES; b++) out.zeros[b] = 0.0f;
    } else {
      const uint8_t* zeros = m.zeros + row * m.zero_bytes;
      for (int64_t b = 0; b < c.blocks; b++) {
        out.zeros[b] =
            out.scales[b] * (OFFSET - (float)packed_zero<BITS>(zeros, c.block + b));
      }
      for (int64_t b = c.blocks; b % LANES; b++) out.zeros[b] = 0.0f;
    }
  }
}

// Where in a row's scales those of a vector of words begin: at (vector << up) >> down.
struct Spread {
  vs index;
  int up;
  int down;
};

template <int BITS>
WG_INLINE Spread spread_of(const PackedMatrix& m) {
  constexpr int64_t SPAN = Packing<BITS>::SPAN;
  if (m.block == 0) return {spread_index(LANES), 0, 62};
  const int up = m.block < SPAN ? __builtin_ctzll(SPAN / m.block) : 0;
  const int down = m.block < SPAN ? 0 : __builtin_ctzll(m.block / SPAN);
  return {spread_index(m.block < SPAN ? (int)(m.block / Packing<BITS>::PER_WORD) : LANES), up, down};
}

template <int BITS, int F>
WG_INLINE vf field(vi words) {
  constexpr int LAST = 32 / BITS - 1;
  if constexpr (F == LAST) {
    return to_float(shift_right<BITS * LAST>(words));
  } else {
    return to_float(and_int(words, splat_int(((1 << BITS) - 1) << (BITS * F))));
  }
}

template <int BITS, int F, int R, int T>
WG_INLINE void exact_fields(const vi* words, const float* const* x, vf (*sums)[R]) {
  if constexpr (F < 32 / BITS) {
    vf v[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) v[t] = load(x[t] + F * LANES);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      vf w = field<BITS, F>(words[r]);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) sums[t][r] = F == 0 ? mul(w, v[t]) : fma(w, v[t], sums[t][r]);
    }
    exact_fields<BITS, F + 1, R, T>(words, x, sums);
  }
}

// One vector of words of R rows times T tokens, added to acc[token][row].
template <int BITS, bool FAST, int R, int T>
WG_INLINE void dot_words(const vi* words, const vf* scales, const Prepared* x, int64_t vector,
                         vf (*acc)[PACKED_ROWS]) {
  constexpr int64_t SPAN = Packing<BITS>::SPAN;
  if constexpr (FAST) {
    constexpr int FIELDS = Packing<BITS>::FIELDS;
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      vi bytes[FIELDS];
      split_bytes<BITS>(words[r], bytes);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) {
        vf sum = to_float(dot_bytes(bytes, x[t].q + vector * SPAN));
        acc[t][r] = fma(mul(sum, load(x[t].scales + vector * LANES)), scales[r], acc[t][r]);
      }
    }
  } else {
    const float* from[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) from[t] = x[t].x + vector * SPAN;
    vf sums[T][R];
    exact_fields<BITS, 0, R, T>(words, from, sums);
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) {
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) acc[t][r] = fma(sums[t][r], scales[r], acc[t][r]);
    }
  }
}

// R rows of a chunk times T tokens. `ahead` is how far on the bytes are that will be wanted next.
template <int BITS, bool FAST, int R, int T>
WG_INLINE void dot_chunk(const uint8_t* const* w, const RowScales* scales, const Spread& spread_to,
                         int64_t columns, int64_t ahead, const Prepared* x,
                         vf (*acc)[PACKED_ROWS]) {
  constexpr int64_t SPAN = Packing<BITS>::SPAN;
  vi words[R];
  vf s[R];
  const int64_t vectors = columns / SPAN;
  for (int64_t v = 0; v < vectors; v++) {
    const float* at = scales->scales + ((v << spread_to.up) >> spread_to.down);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      __builtin_prefetch(w[r] + v * 4 * LANES + ahead);  // a hint: harmless anywhere
      words[r] = load_words(w[r] + v * 4 * LANES);
      s[r] = spread(at + r * ROW_FLOATS, spread_to.index);
    }
    dot_words<BITS, FAST, R, T>(words, s, x, v, acc);
  }
  if (columns % SPAN) {
    const float* at = scales->scales + ((vectors << spread_to.up) >> spread_to.down);
    const int64_t bytes = (columns % SPAN * BITS + 7) / 8;
    for (int r = 0; r < R; r++) {
      alignas(64) uint8_t rest[4 * LANES] = {};
      memcpy(rest, w[r] + vectors * 4 * LANES, (size_t)bytes);
      words[r] = load_words(rest);
      s[r] = spread(at + r * ROW_FLOATS, spread_to.index);
    }
    dot_words<BITS, FAST, R, T>(words, s, x, vectors, acc);
  }
}

// Up to 4 rows (missing ones repeat the last) of a chunk times T tokens: out[t * stride + r], added
// to what is there unless it is the first chunk. out has room for 4.
template <int BITS, bool FAST, int T>
void dot_packed(const PackedMatrix& m, const int64_t* rows, const Chunk& c, bool fetch,
                const Prepared* x, float* out, int64_t stride) {
  RowScales scales[PACKED_ROWS];
  const uint8_t* w[PACKED_ROWS];
  vf acc[T][PACKED_ROWS];
  for (int64_t r = 0; r < PACKED_ROWS; r++) {
    row_scales<BITS, FAST>(m, rows[r], c, scales[r]);
    w[r] = m.weights + rows[r] * m.row_bytes + c.from * BITS / 8;
    for (int t = 0; t < T; t++) {
      acc[t][r] = splat(0.0f);
      for (int64_t b = 0; b < c.blocks; b += LANES) {
        acc[t][r] = fma(load(scales[r].zeros + b), load(x[t].sums + b), acc[t][r]);
      }
    }
  }
  const Spread to = spread_of<BITS>(m);
  const int64_t ahead = fetch ? PACKED_ROWS * (rows[1] - rows[0]) * m.row_bytes : 0;
  if constexpr (T == 1) {
    dot_chunk<BITS, FAST, 4, T>(w, scales, to, c.columns, ahead, x, acc);
  } else {
    // Registers hold the sums of two rows.
    dot_chunk<BITS, FAST, 2, T>(w, scales, to, c.columns, ahead, x, acc);
    vf upper[T][PACKED_ROWS];
    for (int t = 0; t < T; t++) {
      upper[t][0] = acc[t][2];
      upper[t][1] = acc[t][3];
    }
    dot_chunk<BITS, FAST, 2, T>(w + 2, scales + 2, to, c.columns, ahead, x, upper);
    for (int t = 0; t < T; t++) {
      acc[t][2] = upper[t][0];
      acc[t][3] = upper[t][1];
    }
  }
  for (int t = 0; t < T; t++) {
    float sums[4];
    store_sums(sums, acc[t][0], acc[t][1], acc[t][2], acc[t][3]);
    for (int64_t r = 0; r < PACKED_ROWS; r++) {
      out[t * stride + r] = c.from == 0 ? sums[r] : out[t * stride + r] + sums[r];
    }
  }
}

// Rows of one matrix as `multiply` wants them. `tile` is kept from one matrix to the next: a vector
// that is in it already isn't prepared again.
template <int BITS, bool FAST>
struct PackedRows {
  static constexpr int TOKENS = FAST ? FAST_TILE : EXACT_TILE;

  struct Tile {
    Prepared x[TOKENS];
    const float* from[TOKENS] = {};
  };

  const PackedMatrix& matrix;
  Tile& tile;
  Chunk chunk;
  int tokens;

  WG_INLINE int64_t row_bytes() const { return matrix.row_bytes; }
  WG_INLINE int64_t chunks() const { return (matrix.columns + CHUNK - 1) / CHUNK; }
  WG_INLINE void prepare(int64_t index, int count, const float* const* vectors) {
    chunk = chunk_of(matrix, index * CHUNK);
    tokens = count;
    for (int t = 0; t < count; t++) {
      const float* x = vectors[t] + chunk.from;
      if (x == tile.from[t]) continue;
      if (FAST) {
        prepare_fast<BITS>(x, chunk.columns, matrix.block, tile.x[t]);
      } else {
        prepare_exact<BITS>(x, chunk.columns, matrix.block, tile.x[t]);
      }
      tile.from[t] = x;
    }
  }
  WG_INLINE void dot(int64_t row, int64_t step, int64_t rows, bool fetch, float* sums,
                     int64_t stride) const {
    int64_t numbers[PACKED_ROWS];
    for (int64_t r = 0; r < PACKED_ROWS; r++) numbers[r] = row + (r < rows ? r : rows - 1) * step;
    dot_some<1>(numbers, fetch, sums, stride);
  }

 private:
  template <int T>
  WG_INLINE void dot_some(const int64_t* numbers, bool fetch, float* sums, int64_t stride) const {
    if constexpr (T < TOKENS) {
      if (tokens != T) return dot_some<T + 1>(numbers, fetch, sums, stride);
    }
    dot_packed<BITS, FAST, T>(matrix, numbers, chunk, fetch, tile.x, sums, stride);
  }
};

}  // namespace

#endif
