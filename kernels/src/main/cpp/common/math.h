// exp and what is made of it, on a tier's vectors. Include after the tier's vector.h; every tier has
// its own copy, with internal linkage.
#ifndef WARMGATE_MATH_H
#define WARMGATE_MATH_H

namespace {

// e^x: x = n ln 2 + r, |r| <= ln 2 / 2; a polynomial for e^r (the coefficients are Cephes' expf), times
// 2^n. Relative error below 2e-7 where the result is normal; 0 below about -104, infinity above 88.73,
// NaN stays NaN.
WG_INLINE vf exp(vf x) {
  x = min_nan(splat(89.0f), max_nan(splat(-104.0f), x));
  vf n = round(mul(x, splat(1.44269504088896341f)));
  vf r = fnma(n, splat(0.693359375f), x);
  r = fnma(n, splat(-2.12194440e-4f), r);
  vf p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, mul(r, r), add(r, splat(1.0f)));
  return scale(p, n);
}

WG_INLINE vf sigmoid(vf x) {
  vf one = splat(1.0f);
  return div(one, add(one, exp(sub(splat(0.0f), x))));
}

// x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
WG_INLINE vf gelu(vf x) {
  vf cube = mul(mul(x, x), x);
  vf u2 = mul(splat(1.5957691216f), fma(splat(0.044715f), cube, x));
  return mul(x, sigmoid(u2));
}

WG_INLINE vf swiglu(vf gate, vf linear, vf alpha, vf beta, vf limit) {
  gate = min_nan(limit, gate);
  linear = min_nan(limit, max_nan(sub(splat(0.0f), limit), linear));
  return mul(mul(gate, sigmoid(mul(alpha, gate))), add(linear, beta));
}

}  // namespace

#endif
