// How activations are rounded for products with packed integers. Include before the tier's words.h.
//
// The values of a block of 32 are multiples of one unit, and the multiple is written in digits that fit
// int8: one for `fast`, and for `exact` three, with places RADIX^2, RADIX and 1. The unit is the
// block's largest magnitude over 127 RADIX^(DIGITS - 1), so three digits leave an error of at most 1.2e-7
// of that magnitude: what fp32 itself loses when it adds two such values. Every sum of products is then
// exact in integers until all digits and groups are together. Why none overflows:
//
//   places:  127 RADIX^2 = 4160647, so |multiple| <= 4160648; the first digit is within 127, the others
//            within 91; RADIX^2 = 32761 fits int16.
//   a lane:  a word times a token, as stored - 2^(BITS - 1) for 8 bits and as stored for 4 and 2:
//            4 x 128 x 4160648 = 2130251776, 8 x 15 x 4160648 and 16 x 3 x 4160648 are below 2^31.
//   a group: with 4 and 2 bits 32 x 8 x 4160648 = 1065125888 < 2^31, once 2^(BITS - 1) times the sum of
//            the multiples is taken away; before, sums wrap around, as the vector instructions do. Groups
//            of 8 bits don't fit: lanes become floats first.
#ifndef WARMGATE_DIGITS_H
#define WARMGATE_DIGITS_H

namespace {

constexpr int RADIX = 181;
constexpr int FAST_DIGITS = 1;
constexpr int EXACT_DIGITS = 3;

// The largest multiple.
template <int DIGITS>
constexpr float MOST_UNITS = DIGITS == 1 ? 127.0f : 127.0f * RADIX * RADIX;

}  // namespace

#endif
