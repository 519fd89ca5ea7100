// Packed weights times activations rounded to int8: integer products of a stretch, then its scales.
// Include after packed.h; every tier has its own copy, with internal linkage.
#ifndef WARMGATE_FAST_H
#define WARMGATE_FAST_H

namespace {

template <int BITS, int V>
WG_INLINE void split_stretch(const vi (&words)[V], vi (&bytes)[V][8 / BITS]) {
#pragma GCC unroll 8
  for (int v = 0; v < V; v++) split_bytes<BITS>(words[v], bytes[v]);
}

// A stretch of a row times one token, added to acc. Scale and zero are in the order of group_sums.
template <int BITS, int GROUP, int V>
WG_INLINE vf add_fast(const vi (&bytes)[V][8 / BITS], vf scale, vf zero, const FastVector& x,
                      int64_t stretch, vf acc) {
  const int8_t* q = x.q + stretch * Stretch<BITS, GROUP>::COLUMNS;
  vi p[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; v++) p[v] = products<BITS>(bytes[v], q + v * Packing<BITS>::SPAN);
  const vf sum = fma(zero, load(x.sums + stretch * LANES), to_float(group_sums(p)));
  return fma(mul(scale, load(x.scales + stretch * LANES)), sum, acc);
}

// A row times some tokens, added to acc[token * ROWS]. Its integers are split once for all of them.
template <int BITS, int GROUP>
void dot_fast(const Row<BITS, GROUP, true>& row, int64_t columns, const FastVector* x, int64_t tokens,
              vf* acc) {
  using S = Stretch<BITS, GROUP>;
  const vs order = group_order<S::VECTORS>();
  const int64_t all = (columns * BITS + 7) / 8;
  for (int64_t s = 0; s * S::BYTES < all; s++) {
    vi words[S::VECTORS], split[S::VECTORS][8 / BITS];
    load_stretch(row.weights + s * S::BYTES, all - s * S::BYTES, words);
    split_stretch<BITS>(words, split);
    const vf scale = spread(row.scale(s), order), zero = spread(row.zero(s), order);
    for (int64_t t = 0; t < tokens; t++) {
      acc[t * ROWS] = add_fast<BITS, GROUP>(split, scale, zero, x[t], s, acc[t * ROWS]);
    }
  }
}

template <int BITS, int GROUP>
WG_INLINE vf fast_stretch(const Row<BITS, GROUP, true>& row, int64_t s, int64_t bytes, vs order,
                          const FastVector& x, vf acc) {
  using S = Stretch<BITS, GROUP>;
  vi words[S::VECTORS], split[S::VECTORS][8 / BITS];
  load_stretch(row.weights + s * S::BYTES, bytes, words);
  split_stretch<BITS>(words, split);
  return add_fast<BITS, GROUP>(split, spread(row.scale(s), order), spread(row.zero(s), order), x, s, acc);
}

// A row from memory times one token.
template <int BITS, int GROUP>
WG_INLINE vf dot_one(const Row<BITS, GROUP, true>& row, int64_t columns, const FastVector& x) {
  using S = Stretch<BITS, GROUP>;
  const vs order = group_order<S::VECTORS>();
  const int64_t stretches = columns / S::COLUMNS, rest = columns % S::COLUMNS;
  vf acc = splat(0.0f);
  for (int64_t s = 0; s < stretches; s++) {
    row.fetch(s);
    acc = fast_stretch(row, s, S::BYTES, order, x, acc);
  }
  return rest ? fast_stretch(row, stretches, (rest * BITS + 7) / 8, order, x, acc) : acc;
}

}  // namespace

#endif
