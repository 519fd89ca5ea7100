// Packed rows as `multiply` wants them. Include after exact.h and fast.h; every tier has its own copy,
// with internal linkage.
#ifndef WARMGATE_PACKED_ROWS_H
#define WARMGATE_PACKED_ROWS_H

namespace {

// Rows of one matrix. `tile` is kept from one matrix to the next: a vector that is in it already isn't
// prepared again.
template <int BITS, bool FAST, int GROUP>
struct PackedRows {
  using Vector = std::conditional_t<FAST, FastVector, ExactVector>;
  static constexpr int64_t TOKENS = FAST ? 32 : BLOCK_TOKENS;
  static constexpr int64_t SOME_TOKENS = 8;  // prepared ones that stay in the first cache

  struct Tile {
    Vector x[TOKENS];
    const float* from[TOKENS] = {};
  };

  const PackedMatrix& matrix;
  Tile& tile;
  Chunk chunk;
  int64_t tokens;

  WG_INLINE int64_t row_bytes() const { return matrix.row_bytes; }
  WG_INLINE int64_t chunks() const { return (matrix.columns + CHUNK - 1) / CHUNK; }
  WG_INLINE void prepare(int64_t index, int64_t count, const float* const* vectors) {
    chunk = chunk_of<GROUP>(matrix, index * CHUNK);
    tokens = count;
    for (int64_t t = 0; t < count; t++) {
      const float* x = vectors[t] + chunk.from;
      if (x == tile.from[t]) continue;
      if constexpr (FAST) {
        prepare_fast<BITS, GROUP>(x, chunk.columns, tile.x[t]);
      } else {
        prepare_exact<BITS, GROUP>(x, chunk.columns, tile.x[t]);
      }
      tile.from[t] = x;
    }
  }

  // Up to BLOCK_ROWS rows from `row` on: sums[t * stride + r], added to what is there unless it is the
  // first chunk. There is room for whole register tiles.
  void dot(int64_t row, int64_t rows, bool, float* sums, int64_t stride) const {
    alignas(64) float added[TOKENS * BLOCK_ROWS];
    const bool first = chunk.from == 0;
    float* out = first ? sums : added;
    const int64_t out_stride = first ? stride : BLOCK_ROWS;
    if (tokens == 1) {
      dot_one_token(row, rows, out);
    } else if constexpr (FAST) {
      dot_tokens_fast(row, rows, out, out_stride);
    } else {
      dot_tokens_exact(row, rows, out, out_stride);
    }
    if (first) return;
    for (int64_t t = 0; t < tokens; t++) {
      for (int64_t r = 0; r < rows; r++) sums[t * stride + r] += added[t * BLOCK_ROWS + r];
    }
  }

 private:
  // One row after the other: processors read ahead best where memory is read in its order.
  WG_INLINE void dot_one_token(int64_t row, int64_t rows, float* out) const {
    Row<BITS, GROUP, FAST> one;
    for (int64_t r = 0; r < rows; r += ROWS) {
      vf acc[ROWS] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
      for (int64_t i = 0; i < ROWS && r + i < rows; i++) {
        one.set(matrix, chunk, row + r + i);
        acc[i] = dot_one(one, chunk.columns, tile.x[0]);
      }
      store_sums(out + r, acc[0], acc[1], acc[2], acc[3]);
    }
  }

  void dot_tokens_fast(int64_t row, int64_t rows, float* out, int64_t stride) const {
    Row<BITS, GROUP, FAST> one;
    for (int64_t t = 0; t < tokens; t += SOME_TOKENS) {
      const int64_t count = tokens - t < SOME_TOKENS ? tokens - t : SOME_TOKENS;
      for (int64_t r = 0; r < rows; r += ROWS) {
        vf acc[SOME_TOKENS][ROWS];
        for (int64_t i = 0; i < count; i++) {
          for (int k = 0; k < ROWS; k++) acc[i][k] = splat(0.0f);
        }
        for (int64_t k = 0; k < ROWS && r + k < rows; k++) {
          one.set(matrix, chunk, row + r + k);
          dot_fast(one, chunk.columns, tile.x + t, count, acc[0] + k);
        }
        for (int64_t i = 0; i < count; i++) {
          store_sums(out + (t + i) * stride + r, acc[i][0], acc[i][1], acc[i][2], acc[i][3]);
        }
      }
    }
  }

  void dot_tokens_exact(int64_t row, int64_t rows, float* out, int64_t stride) const {
    Row<BITS, GROUP, FAST> all[BLOCK_ROWS];
    for (int64_t r = 0; r < rows; r++) all[r].set(matrix, chunk, row + r);
    dot_block(all, rows, chunk.columns, tile.x, tokens, out, stride);
  }
};

}  // namespace

#endif
