// __nv_bfloat16, the upper half of a float, and its conversions, rounding to nearest even as CUDA's do.

#pragma once

struct __nv_bfloat16 {
  std::uint16_t bits;
};

inline float __bfloat162float(__nv_bfloat16 value) {
  const std::uint32_t bits = std::uint32_t(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

inline __nv_bfloat16 __float2bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) {
    return {std::uint16_t(bits >> 16 | 0x40)};
  }
  return {std::uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
