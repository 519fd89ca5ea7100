// Rows of packed integers: where they are, and their scales and zero points. Include after the tier's
// words.h and prepare.h; every tier has its own copy, with internal linkage.
//
// A weight is scale * (stored - zero point), so a group of a row times x is
// scale * (sum of stored * x - zero point * sum of x). An element of the result is always summed the
// same way: chunks of columns in their order, in each one vector accumulator along the row, then the
// lanes in a fixed order. So its bits don't depend on how many tokens or rows are computed together.
#ifndef WARMGATE_PACKED_H
#define WARMGATE_PACKED_H

namespace {

constexpr int64_t AHEAD = 2048;  // how many bytes ahead a row from memory is fetched

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
  int64_t groups;
  int64_t block;
  int64_t blocks;
  int64_t each;  // groups of a block
};

template <int GROUP>
WG_INLINE Chunk chunk_of(const PackedMatrix& m, int64_t from) {
  const int64_t columns = m.columns - from < CHUNK ? m.columns - from : CHUNK;
  const int64_t groups = (columns + GROUP - 1) / GROUP;
  if (m.block == 0) return {from, columns, groups, 0, 1, groups};
  const int64_t block = from / m.block;
  const int64_t blocks = (from + columns + m.block - 1) / m.block - block;
  const int64_t each = m.block / GROUP > groups ? groups : m.block / GROUP;
  return {from, columns, groups, block, blocks, each};
}

// Scales or zero points of a row's chunk, one a group. Always LANES apart for the next stretch: a step
// that varies costs the loop over a row a register that it hasn't got, and a fifth of its speed.
struct GroupValues {
  const float* values;
  alignas(64) float own[MOST_GROUPS + 2 * LANES];

  WG_INLINE vf at(int64_t stretch) const { return load(values + stretch * LANES); }
  WG_INLINE void all(float value, int64_t groups) {
    for (int64_t g = 0; g < groups; g += LANES) store(own + g, splat(value));
    values = own;
  }
};

// From values of blocks to values of groups, then zeros up to a whole stretch.
WG_INLINE void repeat(const float* blocks, const Chunk& c, float* groups) {
  for (int64_t b = 0; b < c.blocks; b++) {
    const vf value = splat(blocks[b]);
    for (int64_t g = 0; g < c.each; g += LANES) store(groups + b * c.each + g, value);
  }
  store(groups + c.blocks * c.each, splat(0.0f));
}

WG_INLINE void half_scales(const half* p, int64_t count, float* out) {
  int64_t b = 0;
  for (; b + LANES <= count; b += LANES) store(out + b, load(p + b));
  if (b < count) store(out + b, load_first(p + b, count - b, splat(0.0f)));
}

WG_INLINE void set_scales(const PackedMatrix& m, int64_t row, const Chunk& c, GroupValues& out) {
  const int64_t first = row * m.blocks + c.block;
  const float* p = (const float*)m.scales + first;
  alignas(64) float values[MOST_GROUPS + 2 * LANES];
  if (m.half_scales) {
    float* blocks = c.each == 1 ? out.own : values;
    half_scales((const half*)m.scales + first, c.blocks, blocks);
    p = blocks;
  }
  if (c.blocks == 1) {
    out.all(get(p, 0), c.groups);
  } else if (c.each == 1 && (m.half_scales || c.groups % LANES == 0)) {
    out.values = p;
  } else {
    if (!m.half_scales) {
      copy_padded(p, c.blocks, c.blocks, c.each == 1 ? out.own : values);
    }
    if (c.each > 1) repeat(values, c, out.own);
    out.values = out.own;
  }
}

// The stored zero point `index` places after the first of `bytes`, made negative.
template <int BITS>
WG_INLINE float negative_zero(const uint8_t* bytes, int64_t index) {
  constexpr int PER_BYTE = 8 / BITS;
  const int stored = bytes[index / PER_BYTE] >> (int)(index % PER_BYTE) * BITS & ((1 << BITS) - 1);
  return (float)(STORED_OFFSET<BITS> - stored);
}

template <int BITS>
WG_INLINE void set_zeros(const PackedMatrix& m, int64_t row, const Chunk& c, GroupValues& out) {
  if (m.block == 0) return out.all(negative_zero<BITS>(m.zeros, row), c.groups);
  const uint8_t* zeros = m.zeros + row * m.zero_bytes;
  alignas(64) float values[MOST_GROUPS + 2 * LANES];
  float* blocks = c.each == 1 ? out.own : values;
  int64_t b = 0;
  if (c.block * BITS % 8 == 0) {
    const uint8_t* whole = zeros + c.block * BITS / 8;
    for (; b + LANES <= c.blocks; b += LANES) {
      const vf stored = to_float(load_fields<BITS>(whole + b * BITS / 8));
      store(blocks + b, sub(splat((float)STORED_OFFSET<BITS>), stored));
    }
  }
  for (; b < c.blocks; b++) blocks[b] = negative_zero<BITS>(zeros, c.block + b);
  if (c.each > 1) {
    repeat(values, c, out.own);
  } else {
    store(out.own + c.groups, splat(0.0f));
  }
  out.values = out.own;
}

// A chunk of a row.
template <int BITS, int GROUP>
struct Row {
  using S = Stretch<BITS, GROUP>;
  const uint8_t* weights;
  GroupValues scales;
  GroupValues zeros;  // STORED_OFFSET less the zero points

  WG_INLINE void set(const PackedMatrix& m, const Chunk& c, int64_t row) {
    weights = m.weights + row * m.row_bytes + c.from * BITS / 8;
    set_scales(m, row, c, scales);
    if (m.zeros) set_zeros<BITS>(m, row, c, zeros);
  }
  WG_INLINE const uint8_t* stretch(int64_t s) const { return weights + s * S::BYTES; }
  // Hints, harmless anywhere.
  WG_INLINE void fetch(int64_t stretch) const {
    constexpr int64_t SCALES_AHEAD = AHEAD / S::BYTES * LANES;
    for (int64_t b = 0; b < S::BYTES; b += 64) {
      __builtin_prefetch(weights + stretch * S::BYTES + b + AHEAD);
    }
    __builtin_prefetch(scales.values + stretch * LANES + SCALES_AHEAD);
  }
};

}  // namespace

#endif
