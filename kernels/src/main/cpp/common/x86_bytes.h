// Packed integers times bytes, for the tiers of x86: the instructions differ in width alone, and are named
// by the tier's words.h. Include after it.
#ifndef WARMGATE_X86_BYTES_H
#define WARMGATE_X86_BYTES_H

namespace {

// The stored integers of each word as bytes: field f of each byte in bytes[f]. 8-bit ones less 128.
template <int BITS>
WG_INLINE void split_bytes(vi words, vi (&bytes)[8 / BITS]) {
  if constexpr (BITS == 8) {
    bytes[0] = xor_int(words, splat_byte((char)0x80));
  } else {
    const vi mask = splat_byte((1 << BITS) - 1);
    bytes[0] = and_int(words, mask);
    bytes[1] = and_int(shift_right<BITS>(words), mask);
    if constexpr (BITS == 2) {
      bytes[2] = and_int(shift_right<4>(words), mask);
      bytes[3] = and_int(shift_right<6>(words), mask);
    }
  }
}

// Sums of products of neighbouring bytes: the four of each word in 32 bits where the tier has dot products, else
// the two of each half word in 16. The bytes at x are in -127..127, so that none of these overflows.
template <int BITS>
WG_INLINE vi byte_products(const vi (&w)[8 / BITS], const int8_t* x) {
  const vi first = load_bytes(x);
  if constexpr (BITS == 8) {
    return add_products(splat_int(0), absolute_bytes(w[0]), with_signs(first, w[0]));
  } else {
    vi sums = add_products(splat_int(0), w[0], first);
#pragma GCC unroll 4
    for (int i = 1; i < 8 / BITS; i++) {
      sums = add_products(sums, w[i], load_bytes(x + i * (int)sizeof(vi)));
    }
    return sums;
  }
}
// The sums of products of each word times a digit's place.
template <int BITS>
WG_INLINE vi placed_products(const vi (&w)[8 / BITS], const int8_t* x, int place) {
  const vi sums = byte_products<BITS>(w, x);
#if defined(__AVXVNNI__) || defined(__AVX512VNNI__)
  if (place == 1) return sums;
  // Those of 4 and 2 bits fit 16, and so a quicker instruction: its other half is 0 or -1, times 0.
  return BITS == 8 ? multiply_words(sums, splat_int(place)) : multiply_pairs(sums, splat_int(place));
#else
  return multiply_pairs(sums, splat_short((short)place));
#endif
}
// The sums of products of each word, all digits.
template <int BITS, int DIGITS>
WG_INLINE vi products(const vi (&w)[8 / BITS], const int8_t* x) {
  constexpr int SPAN = (int)sizeof(vi) * 8 / BITS;
  if constexpr (DIGITS == 1) return placed_products<BITS>(w, x, 1);
  const vi high = placed_products<BITS>(w, x, RADIX * RADIX);
  const vi middle = placed_products<BITS>(w, x + SPAN, RADIX);
  return add_int(add_int(high, middle), placed_products<BITS>(w, x + 2 * SPAN, 1));
}

}  // namespace

#endif
