// __half and its conversions, rounding to nearest even as CUDA's do.

#pragma once

struct __half {
  std::uint16_t bits;
};

inline float __half2float(__half half) {
  const int sign = half.bits >> 15, exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = fraction ? NAN : INFINITY;
  } else if (exponent == 0) {
    magnitude = std::ldexp(float(fraction), -24);
  } else {
    magnitude = std::ldexp(float(1024 + fraction), exponent - 25);
  }
  return sign ? -magnitude : magnitude;
}

inline __half __float2half(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) {
    return {std::uint16_t(sign | 0x7e00)};
  }
  int exponent; // value = fraction * 2^exponent, with the fraction from 0.5 to 1
  std::frexp(value, &exponent);
  // The spacing of halves at this magnitude is 2^(exponent - 11), but never below that of the subnormals, 2^-24.
  const int spacing = exponent - 11 > -24 ? exponent - 11 : -24;
  const float steps = std::nearbyint(std::ldexp(std::fabs(value), -spacing));
  const float rounded = std::ldexp(steps, spacing);
  if (rounded > 65504.0f || std::isinf(value)) {
    return {std::uint16_t(sign | 0x7c00)};
  }
  if (rounded < std::ldexp(1.0f, -14)) {
    return {std::uint16_t(sign | std::uint16_t(std::ldexp(rounded, 24)))};
  }
  std::frexp(rounded, &exponent);
  const int fraction = int(std::ldexp(rounded, 11 - exponent)) - 1024;
  return {std::uint16_t(sign | (exponent + 14) << 10 | fraction)};
}
