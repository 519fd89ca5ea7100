// Packed weights times rounded activations: integer products of a stretch, then its scales. Include after
// packed.h; every tier has its own copy, with internal linkage.
#ifndef WARMGATE_PACKED_DOT_H
#define WARMGATE_PACKED_DOT_H

namespace {

// A stretch of a row, its integers split into bytes. Scales and zeros are in the order of group_sums.
// ZEROS: zero points are stored.
template <int BITS, int GROUP, bool ZEROS>
struct Piece {
  using S = Stretch<BITS, GROUP>;
  vi bytes[S::VECTORS][Packing<BITS>::FIELDS];
  vf scale;
  vf zero;

  WG_INLINE Piece(const uint8_t* words, const Row<BITS, GROUP>& row, int64_t stretch, vs order) {
#pragma GCC unroll 8
    for (int v = 0; v < S::VECTORS; v++) split_bytes<BITS>(load_words(words + v * 4 * LANES), bytes[v]);
    scale = spread(row.scales.at(stretch), order);
    if (ZEROS) zero = spread(row.zeros.at(stretch), order);
  }

  // acc and this times one token.
  template <int DIGITS>
  WG_INLINE vf add_to(vf acc, const Rounded<DIGITS>& x, int64_t stretch) const {
    const int8_t* q = x.q + stretch * S::COLUMNS * DIGITS;
    const auto sums = group_sums<0, S::VECTORS>([&](int v) {
      const vi p = products<BITS, DIGITS>(bytes[v], q + v * Packing<BITS>::SPAN * DIGITS);
      if constexpr (BITS == 8 && DIGITS > 1) {
        return to_float(p);
      } else {
        return p;
      }
    });
    vf sum;
    if constexpr (BITS == 8 && DIGITS > 1) {
      sum = sums;
    } else if constexpr (BITS == 8) {
      sum = to_float(sums);
    } else {
      sum = to_float(sub_int(sums, load_int(x.offsets + stretch * LANES)));
    }
    if (ZEROS) sum = fma(zero, load(x.sums + stretch * LANES), sum);
    return fma(mul(scale, load(x.units + stretch * LANES)), sum, acc);
  }
};

// The last columns of a row, less than a stretch, times some tokens, added to acc[token * ROWS].
template <bool ZEROS, int BITS, int GROUP, int DIGITS>
__attribute__((noinline)) void dot_rest(const Row<BITS, GROUP>& row, int64_t columns,
                                        const Rounded<DIGITS>* const* x, int64_t tokens, vs order,
                                        vf* acc) {
  using S = Stretch<BITS, GROUP>;
  const int64_t s = columns / S::COLUMNS;
  alignas(64) uint8_t words[S::BYTES] = {};
  memcpy(words, row.stretch(s), (size_t)((columns % S::COLUMNS * BITS + 7) / 8));
  const Piece<BITS, GROUP, ZEROS> piece(words, row, s, order);
  for (int64_t t = 0; t < tokens; t++) acc[t * ROWS] = piece.add_to(acc[t * ROWS], *x[t], s);
}

// A row from memory times one token.
template <bool ZEROS, int BITS, int GROUP, int DIGITS>
WG_INLINE vf dot_one(const Row<BITS, GROUP>& row, int64_t columns, const Rounded<DIGITS>* x, vs order) {
  using S = Stretch<BITS, GROUP>;
  const int64_t stretches = columns / S::COLUMNS;
  vf acc = splat(0.0f);
  for (int64_t s = 0; s < stretches; s++) {
    row.fetch(s);
    acc = Piece<BITS, GROUP, ZEROS>(row.stretch(s), row, s, order).add_to(acc, *x, s);
  }
  if (columns % S::COLUMNS == 0) return acc;
  vf all = acc;
  dot_rest<ZEROS>(row, columns, &x, 1, order, &all);
  return all;
}

// A row times some tokens, added to acc[token * ROWS]. Its integers are split once for all of them.
template <bool ZEROS, int BITS, int GROUP, int DIGITS>
WG_INLINE void dot_some(const Row<BITS, GROUP>& row, int64_t columns, const Rounded<DIGITS>* const* x,
                        int64_t tokens, vs order, vf* acc) {
  using S = Stretch<BITS, GROUP>;
  const int64_t stretches = columns / S::COLUMNS;
  for (int64_t s = 0; s < stretches; s++) {
    const Piece<BITS, GROUP, ZEROS> piece(row.stretch(s), row, s, order);
    for (int64_t t = 0; t < tokens; t++) acc[t * ROWS] = piece.add_to(acc[t * ROWS], *x[t], s);
  }
  if (columns % S::COLUMNS) dot_rest<ZEROS>(row, columns, x, tokens, order, acc);
}

}  // namespace

#endif
