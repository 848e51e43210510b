// What the kernels share: the element types, and how threads divide a batch of maps.
//
// A tensor is [N, C, H, W], contiguous. A *plane* is one map of one image, N * C of them, `pixels` = H * W elements each.
// Blocks along x share out a plane's pixels, blocks along y the planes; both in strides of the grid, so that any grid
// computes any shape. Only an offset of whole planes can pass 32 bits, and only that is computed in 64.
//
// Parameters travel as one struct by value. Each has its twin in src/cuda/params.rs, field by field.

#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

// Arithmetic is done in Wide<T>: 16-bit elements are read and written as such, but never summed as such.
template <typename T> struct WideOf { using Type = T; };
template <> struct WideOf<__half> { using Type = float; };
template <> struct WideOf<__nv_bfloat16> { using Type = float; };
template <typename T> using Wide = typename WideOf<T>::Type;

__device__ __forceinline__ double widen(double x) { return x; }
__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(__half x) { return __half2float(x); }
__device__ __forceinline__ float widen(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T> __device__ __forceinline__ T narrow(Wide<T> x) { return x; }
template <> __device__ __forceinline__ __half narrow<__half>(float x) { return __float2half(x); }
template <> __device__ __forceinline__ __nv_bfloat16 narrow<__nv_bfloat16>(float x) { return __float2bfloat16(x); }

__device__ __forceinline__ unsigned first_pixel() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ unsigned pixel_stride() { return gridDim.x * blockDim.x; }

__device__ __forceinline__ int at_least_zero(int x) { return x > 0 ? x : 0; }
__device__ __forceinline__ int smaller(int x, int y) { return x < y ? x : y; }

// ReLU, which makes 0 of a NaN, as candle's does.
template <typename W> __device__ __forceinline__ W positive(W x) { return x > W(0) ? x : W(0); }

// base^-beta. Every network of the family has beta 0.75, for which two square roots take the place of a logarithm and an
// exponential.
template <typename W> __device__ __forceinline__ W inverse_power(W base, W beta) {
  if (beta == W(0.75)) {
    const W root = sqrt(base);
    return W(1) / (root * sqrt(root));
  }
  return pow(base, -beta);
}

// The same kernel for every element type: EXPORT(f32, float) and so on.
#define FOR_EACH_ELEMENT_TYPE(EXPORT) \
  EXPORT(f64, double)                 \
  EXPORT(f32, float)                  \
  EXPORT(f16, __half)                 \
  EXPORT(bf16, __nv_bfloat16)
