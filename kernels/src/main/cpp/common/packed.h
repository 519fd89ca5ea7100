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
  bool plain;    // a row's scales can be read where they are: fp32, one a group, whole stretches
};

template <int GROUP>
WG_INLINE Chunk chunk_of(const PackedMatrix& m, int64_t from) {
  const int64_t columns = m.columns - from < CHUNK ? m.columns - from : CHUNK;
  const int64_t groups = (columns + GROUP - 1) / GROUP;
  if (m.block == 0) return {from, columns, groups, 0, 1, groups, false};
  const int64_t block = from / m.block;
  const int64_t blocks = (from + columns + m.block - 1) / m.block - block;
  const int64_t each = m.block / GROUP > groups ? groups : m.block / GROUP;
  return {from, columns, groups, block, blocks, each,
          !m.half_scales && each == 1 && groups % LANES == 0};
}

// What is multiplied is what is stored less this.
template <int BITS, bool FAST>
constexpr int STORED_OFFSET = FAST && BITS == 8 && SIGNED_BYTES ? 128 : 0;

// Scales and negative zero points of a row's chunk, one a group, with zeros up to a whole stretch.
// `zeros` is null if none are stored.
struct RowScales {
  const float* scales;
  const float* zeros;
  alignas(64) float scale_values[MOST_GROUPS + 2 * LANES];
  alignas(64) float zero_values[MOST_GROUPS + 2 * LANES];
};

// From values of blocks to values of groups.
WG_INLINE void repeat(const float* blocks, int64_t count, int64_t each, float* groups) {
  for (int64_t b = 0; b < count; b++) {
    const vf value = splat(blocks[b]);
    for (int64_t g = 0; g < each; g += LANES) store(groups + b * each + g, value);
  }
  store(groups + count * each, splat(0.0f));
}

// Zero points of `count` blocks from the one that is `skip` after the first of `bytes`, made negative.
template <int BITS>
WG_INLINE void unpack_zeros(const uint8_t* bytes, int64_t skip, int64_t count, float offset,
                            float* out) {
  constexpr int PER_WORD = 32 / BITS;
  uint8_t padded[MOST_GROUPS + 8 + 4 * LANES];
  memcpy(padded, bytes, (size_t)(((skip + count) * BITS + 7) / 8));
  int32_t words[LANES], shifts[LANES];
  for (int l = 0; l < LANES; l++) {
    words[l] = l / PER_WORD;
    shifts[l] = l % PER_WORD * BITS;
  }
  const vs of_lane = spread_index(words);
  const vi shift = load_int(shifts);
  alignas(64) float values[MOST_GROUPS + 2 * LANES];
  for (int64_t b = 0; b < skip + count; b += LANES) {
    const vi stored = shift_right_each(spread(load_words(padded + b * BITS / 8), of_lane), shift);
    store(values + b, sub(splat(offset), to_float(and_int(stored, splat_int((1 << BITS) - 1)))));
  }
  memcpy(out, values + skip, (size_t)count * sizeof(float));
}

WG_INLINE void unpack_scales(const PackedMatrix& m, int64_t row, const Chunk& c, float* out) {
  alignas(64) float values[MOST_GROUPS + 2 * LANES];
  const uint8_t* scales = m.scales + (row * m.blocks + c.block) * (m.half_scales ? 2 : 4);
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
    store((c.each == 1 ? out : values) + b, s);
  }
  if (c.each > 1) repeat(values, c.blocks, c.each, out);
}

template <int BITS>
WG_INLINE void unpack_zeros(const PackedMatrix& m, int64_t row, const Chunk& c, float offset,
                            float* out) {
  constexpr int64_t PER_BYTE = 8 / BITS;
  alignas(64) float values[MOST_GROUPS + 2 * LANES];
  // Those of a row, or the one of each row.
  const uint8_t* zeros = m.block == 0 ? m.zeros : m.zeros + row * m.zero_bytes;
  const int64_t first = m.block == 0 ? row : c.block;
  unpack_zeros<BITS>(zeros + first / PER_BYTE, first % PER_BYTE, c.blocks, offset,
                     c.each == 1 ? out : values);
  if (c.each > 1) {
    repeat(values, c.blocks, c.each, out);
  } else {
    store(out + c.groups, splat(0.0f));
  }
}

template <int BITS, bool FAST>
WG_INLINE void row_scales(const PackedMatrix& m, int64_t row, const Chunk& c, RowScales& out) {
  if (c.plain) {
    out.scales = (const float*)(m.scales + (row * m.blocks + c.block) * 4);
  } else {
    unpack_scales(m, row, c, out.scale_values);
    out.scales = out.scale_values;
  }
  if (m.zeros) {
    unpack_zeros<BITS>(m, row, c, STORED_OFFSET<BITS, FAST>, out.zero_values);
    out.zeros = out.zero_values;
  } else {
    out.zeros = nullptr;
  }
}

// What a row's negative zero points are where none are stored.
template <int BITS, bool FAST>
WG_INLINE vf common_zero() {
  return splat((float)(STORED_OFFSET<BITS, FAST> - (1 << (BITS - 1))));
}

// The words of a stretch of which so many bytes are there; the others are 0.
template <int V>
WG_INLINE void load_stretch(const uint8_t* p, int64_t bytes, vi (&words)[V]) {
  constexpr int64_t VECTOR = 4 * LANES;
#pragma GCC unroll 8
  for (int v = 0; v < V; v++) {
    const int64_t left = bytes - v * VECTOR;
    if (left >= VECTOR) {
      words[v] = load_words(p + v * VECTOR);
    } else {
      alignas(64) uint8_t rest[VECTOR] = {};
      if (left > 0) memcpy(rest, p + v * VECTOR, (size_t)left);
      words[v] = load_words(rest);
    }
  }
}

// A chunk of a row.
template <int BITS, int GROUP, bool FAST>
struct Row {
  using S = Stretch<BITS, GROUP>;
  const uint8_t* weights;
  RowScales scales;

  WG_INLINE void set(const PackedMatrix& m, const Chunk& c, int64_t row) {
    weights = m.weights + row * m.row_bytes + c.from * BITS / 8;
    row_scales<BITS, FAST>(m, row, c, scales);
  }
  // Those of the groups of a stretch.
  WG_INLINE vf scale(int64_t stretch) const { return load(scales.scales + stretch * LANES); }
  WG_INLINE vf zero(int64_t stretch) const {
    return scales.zeros ? load(scales.zeros + stretch * LANES) : common_zero<BITS, FAST>();
  }
  // Hints, harmless anywhere.
  WG_INLINE void fetch(int64_t stretch) const {
    constexpr int64_t SCALES_AHEAD = AHEAD / S::BYTES * LANES;
    for (int64_t b = 0; b < S::BYTES; b += 64) {
      __builtin_prefetch(weights + stretch * S::BYTES + b + AHEAD);
    }
    __builtin_prefetch(scales.scales + stretch * LANES + SCALES_AHEAD);
  }
};

}  // namespace

#endif
