// Packed weights times fp32 activations. Include after packed.h; every tier has its own copy, with
// internal linkage.
//
// One token multiplies the integers as they come from memory. For several, some rows and columns are
// turned into floats first, a block that stays in the first cache while all tokens pass.
#ifndef WARMGATE_EXACT_H
#define WARMGATE_EXACT_H

namespace {

constexpr int64_t BLOCK_COLUMNS = 256;  // of a block, at least
constexpr int64_t BLOCK_TOKENS = 12;    // that pass in a call, at most
static_assert(BLOCK_TOKENS % TILE == 0, "whole register tiles");

// The bits of each field of a word, in all lanes.
template <int BITS>
struct Masks {
  alignas(64) int32_t lanes[32 / BITS][LANES];

  constexpr Masks() : lanes() {
    for (int f = 0; f < 32 / BITS; f++) {
      for (int l = 0; l < LANES; l++) {
        lanes[f][l] = (int32_t)(((1u << BITS) - 1) << (BITS * f));
      }
    }
  }
};
template <int BITS>
constexpr Masks<BITS> MASKS = {};

// Field F where it stands; the last one, which holds the sign, is shifted down.
template <int BITS, int F>
WG_INLINE vf field(vi words, vi mask) {
  constexpr int LAST = 32 / BITS - 1;
  return to_float(F == LAST ? shift_right<BITS * LAST>(words) : and_int(words, mask));
}

// Field F and those after it of V vectors of words times their columns of x.
template <int BITS, int GROUP, int F, int V>
WG_INLINE void add_fields(const vi* words, const int32_t (*masks)[LANES], const float* x, vf* sums) {
  if constexpr (F < 32 / BITS) {
    const vi mask = load_int(masks[F]);
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      const vf column = load(x + (F * Stretch<BITS, GROUP>::VECTORS + v) * LANES);
      const vf weights = field<BITS, F>(words[v], mask);
      sums[v] = F == 0 ? mul(weights, column) : fma(weights, column, sums[v]);
    }
    add_fields<BITS, GROUP, F + 1, V>(words, masks, x, sums);
  }
}

// Which group of a stretch each lane of its vectors of words is in.
template <int V>
WG_INLINE void group_of_lanes(vs (&of)[V]) {
  for (int v = 0; v < V; v++) {
    int32_t lanes[LANES];
    for (int l = 0; l < LANES; l++) lanes[l] = (v * LANES + l) / V;
    of[v] = spread_index(lanes);
  }
}

// A stretch of a row times one token, added to acc.
template <int BITS, int GROUP>
WG_INLINE vf exact_stretch(const Row<BITS, GROUP, false>& row, int64_t s, int64_t bytes, const vs* of,
                           const ExactVector& x, vf acc) {
  using S = Stretch<BITS, GROUP>;
  const vf scale = row.scale(s);
  // So many at a time have registers, and their sums are independent.
  constexpr int V = S::VECTORS < 4 ? S::VECTORS : 4;
  for (int from = 0; from < S::VECTORS; from += V) {
    vi words[V];
    vf sums[V];
    load_stretch(row.weights + s * S::BYTES + from * 4 * LANES, bytes - from * 4 * LANES, words);
    // Loaded one by one: kept in registers for the whole loop, masks would push out what is summed.
    const int32_t(*masks)[LANES] = MASKS<BITS>.lanes;
    __asm__("" : "+r"(masks));
    add_fields<BITS, GROUP, 0, V>(words, masks, x.x + s * S::COLUMNS + from * LANES, sums);
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) acc = fma(spread(scale, of[from + v]), sums[v], acc);
  }
  return fma(mul(scale, row.zero(s)), load(x.sums + s * LANES), acc);
}

// A row from memory times one token.
template <int BITS, int GROUP>
WG_INLINE vf dot_one(const Row<BITS, GROUP, false>& row, int64_t columns, const ExactVector& x) {
  using S = Stretch<BITS, GROUP>;
  vs of[S::VECTORS];
  group_of_lanes(of);
  const int64_t stretches = columns / S::COLUMNS, rest = columns % S::COLUMNS;
  vf acc = splat(0.0f);
  for (int64_t s = 0; s < stretches; s++) {
    row.fetch(s);
    acc = exact_stretch(row, s, S::BYTES, of, x, acc);
  }
  return rest ? exact_stretch(row, stretches, (rest * BITS + 7) / 8, of, x, acc) : acc;
}

// Some rows and columns as floats. A vector of words becomes one of each field and one of its lanes'
// scales; a stretch ends with its groups' scales times their negative zero points.
template <int BITS, int GROUP>
struct ExactBlock {
  using P = Packing<BITS>;
  using S = Stretch<BITS, GROUP>;
  static constexpr int64_t COLUMNS = S::COLUMNS > BLOCK_COLUMNS ? S::COLUMNS : BLOCK_COLUMNS;
  static constexpr int64_t VECTOR = (P::PER_WORD + 1) * LANES;     // floats of a vector of words
  static constexpr int64_t STRETCH = S::VECTORS * VECTOR + LANES;  // floats of a stretch
  static constexpr int64_t ROW = COLUMNS / S::COLUMNS * STRETCH;

  alignas(64) float floats[BLOCK_ROWS * ROW];
  // Sums of tokens and rows, kept between blocks as the vectors that they are: as if there were one.
  vf sums[BLOCK_TOKENS][BLOCK_ROWS];

  WG_INLINE void expand(const Row<BITS, GROUP, false>& row, const vs* of, int64_t from, int64_t n,
                        float* out) {
    const int64_t end = ((from + n) * BITS + 7) / 8;
    for (int64_t s = from / S::COLUMNS; s * S::BYTES < end; s++, out += LANES) {
      const vf scale = row.scale(s);
      vi words[S::VECTORS];
      load_stretch(row.weights + s * S::BYTES, end - s * S::BYTES, words);
#pragma GCC unroll 8
      for (int v = 0; v < S::VECTORS; v++, out += VECTOR) {
        store_fields<0>(words[v], out);
        store(out + P::PER_WORD * LANES, spread(scale, of[v]));
      }
      store(out, mul(scale, row.zero(s)));
    }
  }

  // Adds a register tile: ROWS rows from `row` on times T tokens.
  template <int T>
  WG_INLINE void add_tile(const ExactVector* x, int64_t from, int64_t n, int64_t token, int64_t row) {
    for (int64_t s = 0; s * S::COLUMNS < n; s++) {
      const float* w = floats + row * ROW + s * STRETCH;
      const int64_t at = from + s * S::COLUMNS;
      for (int v = 0; v < S::VECTORS; v++, w += VECTOR) {
        vf part[T][ROWS];
#pragma GCC unroll 8
        for (int f = 0; f < P::PER_WORD; f++) {
          vf column[T];
#pragma GCC unroll 8
          for (int t = 0; t < T; t++) {
            column[t] = load(x[token + t].x + at + (f * S::VECTORS + v) * LANES);
          }
#pragma GCC unroll 4
          for (int r = 0; r < ROWS; r++) {
            const vf weights = load(w + r * ROW + f * LANES);
#pragma GCC unroll 8
            for (int t = 0; t < T; t++) {
              part[t][r] = f == 0 ? mul(weights, column[t]) : fma(weights, column[t], part[t][r]);
            }
          }
        }
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
          const vf scale = load(w + r * ROW + P::PER_WORD * LANES);
#pragma GCC unroll 8
          for (int t = 0; t < T; t++) {
            sums[token + t][row + r] = fma(scale, part[t][r], sums[token + t][row + r]);
          }
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < ROWS; r++) {
        const vf zero = load(w + r * ROW);
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) {
          sums[token + t][row + r] =
              fma(zero, load(x[token + t].sums + at / GROUP), sums[token + t][row + r]);
        }
      }
    }
  }

 private:
  template <int F>
  static WG_INLINE void store_fields(vi words, float* out) {
    if constexpr (F < P::PER_WORD) {
      store(out + F * LANES, field<BITS, F>(words, load_int(MASKS<BITS>.lanes[F])));
      store_fields<F + 1>(words, out);
    }
  }
};

// Up to BLOCK_ROWS rows times up to BLOCK_TOKENS tokens: out[token * stride + row], which has room for
// whole register tiles.
template <int BITS, int GROUP>
WG_INLINE void dot_block(const Row<BITS, GROUP, false>* rows, int64_t count, int64_t columns,
                         const ExactVector* x, int64_t tokens, float* out, int64_t stride) {
  using Block = ExactBlock<BITS, GROUP>;
  vs of[Stretch<BITS, GROUP>::VECTORS];
  group_of_lanes(of);
  Block block;
  const int64_t whole = (count + ROWS - 1) / ROWS * ROWS;
  for (int64_t t = 0; t < tokens; t++) {
    for (int64_t r = 0; r < whole; r++) block.sums[t][r] = splat(0.0f);
  }
  for (int64_t from = 0; from < columns; from += Block::COLUMNS) {
    const int64_t n = columns - from < Block::COLUMNS ? columns - from : Block::COLUMNS;
    for (int64_t r = 0; r < whole; r++) {
      block.expand(rows[r < count ? r : count - 1], of, from, n, block.floats + r * Block::ROW);
    }
    for (int64_t t = 0; t < tokens; t += TILE) {
      with_count<1>(tokens - t < TILE ? tokens - t : TILE, [&](auto some) {
        for (int64_t r = 0; r < whole; r += ROWS) {
          block.template add_tile<some.value>(x, from, n, t, r);
        }
      });
    }
  }
  for (int64_t t = 0; t < tokens; t++) {
    for (int64_t r = 0; r < whole; r += ROWS) {
      const vf* sums = block.sums[t] + r;
      store_sums(out + t * stride + r, sums[0], sums[1], sums[2], sums[3]);
    }
  }
}

}  // namespace

#endif
