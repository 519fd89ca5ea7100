// Packed rows as `multiply` wants them. Include after packed_dot.h; every tier has its own copy,
// with internal linkage.
#ifndef WARMGATE_PACKED_ROWS_H
#define WARMGATE_PACKED_ROWS_H

namespace {

constexpr int64_t MOST_TOKENS = 32;  // that are prepared at a time

// Rows of one matrix in any format: `multiply` is compiled once for all.
struct AnyPackedRows {
  static constexpr int64_t TOKENS = MOST_TOKENS;
  const PackedMatrix& matrix;
  void* rows;
  void (*prepare_rows)(void* rows, int64_t index, int64_t count, const float* const* vectors);
  void (*dot_rows)(void* rows, int64_t row, int64_t count, float* sums, int64_t stride);

  WG_INLINE int64_t row_bytes() const { return matrix.row_bytes; }
  WG_INLINE int64_t chunks() const { return (matrix.columns + CHUNK - 1) / CHUNK; }
  WG_INLINE void prepare(int64_t index, int64_t count, const float* const* vectors) const {
    prepare_rows(rows, index, count, vectors);
  }
  WG_INLINE void dot(int64_t row, int64_t count, bool, float* sums, int64_t stride) const {
    dot_rows(rows, row, count, sums, stride);
  }
};

// Rows of one matrix. `tile` is kept from one matrix to the next: a chunk of a vector that is in it
// already isn't prepared again.
template <int BITS, int DIGITS, int GROUP>
struct PackedRows {
  static constexpr int64_t TOKENS = DIGITS == 1 ? MOST_TOKENS : 16;
  static constexpr int64_t SOME_TOKENS = DIGITS == 1 ? 8 : 4;  // prepared ones that stay in the first cache

  struct Tile {
    Rounded<DIGITS> x[TOKENS];
    const float* from[TOKENS] = {};
  };

  const PackedMatrix& matrix;
  Tile& tile;
  Chunk chunk;
  int64_t tokens;
  const Rounded<DIGITS>* x[TOKENS];

  WG_INLINE AnyPackedRows any() {
    return {matrix, this,
            [](void* rows, int64_t index, int64_t count, const float* const* vectors) {
              static_cast<PackedRows*>(rows)->prepare(index, count, vectors);
            },
            [](void* rows, int64_t row, int64_t count, float* sums, int64_t stride) {
              static_cast<PackedRows*>(rows)->dot(row, count, sums, stride);
            }};
  }
  // So many vectors fit into the tile as a whole, unless one is too long.
  static WG_INLINE int64_t tokens_of(int64_t columns) {
    const int64_t fit = TOKENS / ((columns + CHUNK - 1) / CHUNK);
    return fit < 1 ? 1 : fit;
  }
  WG_INLINE void prepare(int64_t index, int64_t count, const float* const* vectors) {
    chunk = chunk_of<GROUP>(matrix, index * CHUNK);
    tokens = count;
    for (int64_t t = 0; t < count; t++) {
      const int64_t place = (index * count + t) % TOKENS;
      const float* source = vectors[t] + chunk.from;
      if (source != tile.from[place]) {
        ::prepare<BITS, GROUP>(source, chunk.columns, tile.x[place]);
        tile.from[place] = source;
      }
      x[t] = tile.x + place;
    }
  }

  // Up to BLOCK_ROWS rows from `row` on: sums[t * stride + r], added to what is there unless it is the
  // first chunk. There is room for whole register tiles.
  void dot(int64_t row, int64_t rows, float* sums, int64_t stride) const {
    alignas(64) float added[TOKENS * BLOCK_ROWS];
    const bool first = chunk.from == 0;
    float* out = first ? sums : added;
    if (matrix.zeros) {
      dot<true>(row, rows, out, first ? stride : BLOCK_ROWS);
    } else {
      dot<false>(row, rows, out, first ? stride : BLOCK_ROWS);
    }
    if (first) return;
    for (int64_t t = 0; t < tokens; t++) {
      for (int64_t r = 0; r < rows; r++) sums[t * stride + r] += added[t * BLOCK_ROWS + r];
    }
  }

 private:
  template <bool ZEROS>
  WG_INLINE void dot(int64_t row, int64_t rows, float* out, int64_t stride) const {
    if (tokens == 1) {
      dot_one_token<ZEROS>(row, rows, out);
    } else {
      dot_tokens<ZEROS>(row, rows, out, stride);
    }
  }

  // One row after the other: processors read ahead best where memory is read in its order.
  template <bool ZEROS>
  WG_INLINE void dot_one_token(int64_t row, int64_t rows, float* out) const {
    const vs order = group_order<Stretch<BITS, GROUP>::VECTORS>();
    Row<BITS, GROUP> one;
    for (int64_t r = 0; r < rows; r += ROWS) {
      vf acc[ROWS] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
      for (int64_t i = 0; i < ROWS && r + i < rows; i++) {
        one.set(matrix, chunk, row + r + i);
        acc[i] = dot_one<ZEROS>(one, chunk.columns, x[0], order);
      }
      store_sums(out + r, acc[0], acc[1], acc[2], acc[3]);
    }
  }

  template <bool ZEROS>
  WG_INLINE void dot_tokens(int64_t row, int64_t rows, float* out, int64_t stride) const {
    const vs order = group_order<Stretch<BITS, GROUP>::VECTORS>();
    Row<BITS, GROUP> one;
    for (int64_t t = 0; t < tokens; t += SOME_TOKENS) {
      const int64_t count = tokens - t < SOME_TOKENS ? tokens - t : SOME_TOKENS;
      for (int64_t r = 0; r < rows; r += ROWS) {
        vf acc[SOME_TOKENS][ROWS];
        for (int64_t i = 0; i < count; i++) {
          for (int k = 0; k < ROWS; k++) acc[i][k] = splat(0.0f);
        }
        for (int64_t k = 0; k < ROWS && r + k < rows; k++) {
          one.set(matrix, chunk, row + r + k);
          dot_some<ZEROS>(one, chunk.columns, x + t, count, order, acc[0] + k);
        }
        for (int64_t i = 0; i < count; i++) {
          store_sums(out + (t + i) * stride + r, acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
        }
      }
    }
  }
};

}  // namespace

#endif
