// Response normalisation within a map, forward and backward:
//
//   y[h, w] = x[h, w] * B[h, w]^-beta,    B[h, w] = k + alpha * sum of x[i, j]^2 over the square window around (h, w)
//
// from `before` pixels above and left of (h, w) to `after` pixels below and right of it, in the same map. Here alpha is
// what multiplies the plain sum (alpha / size^2, SpatialResponseNorm::effective_alpha).

#include "common.cuh"

struct SpatialResponseNorm {
  double alpha, beta, k;
  long long planes;
  int height, width;
  int before, after; // pixels of the window on either side of its own, in both directions
};
static_assert(sizeof(SpatialResponseNorm) == 48, "the twin of cuda::params::SpatialResponseNorm");

__device__ __forceinline__ unsigned pixels(const SpatialResponseNorm& norm) {
  return unsigned(norm.height) * unsigned(norm.width);
}

// The pixels from `before` above and left of one to `after` below and right of it, cut at the map's edges.
struct Square {
  int top, left, bottom, right; // both ends included

  __device__ Square(const SpatialResponseNorm& norm, unsigned pixel, int before, int after) {
    const int row = int(pixel / norm.width), column = int(pixel % norm.width);
    top = row > before ? row - before : 0;
    left = column > before ? column - before : 0;
    bottom = norm.height - 1 - row > after ? row + after : norm.height - 1;
    right = norm.width - 1 - column > after ? column + after : norm.width - 1;
  }
};

// B at one pixel of the map that `x` points to.
template <typename T> __device__ Wide<T> base(const SpatialResponseNorm& norm, const T* x, unsigned pixel) {
  const Square window(norm, pixel, norm.before, norm.after);
  Wide<T> sum = 0;
  for (int row = window.top; row <= window.bottom; row++) {
    for (int column = window.left; column <= window.right; column++) {
      const Wide<T> value = widen(x[(long long)row * norm.width + column]);
      sum += value * value;
    }
  }
  return Wide<T>(norm.k) + Wide<T>(norm.alpha) * sum;
}

template <typename T> __device__ void forward(const SpatialResponseNorm& norm, const T* x, T* y) {
  for (long long plane = blockIdx.y; plane < norm.planes; plane += gridDim.y) {
    const long long start = plane * pixels(norm);
    for (unsigned pixel = first_pixel(); pixel < pixels(norm); pixel += pixel_stride()) {
      const Wide<T> power = inverse_power(base(norm, x + start, pixel), Wide<T>(norm.beta));
      y[start + pixel] = narrow<T>(widen(x[start + pixel]) * power);
    }
  }
}

// The backward pass in two steps, as in local_response_norm.cu: `ratio` is g x B^(-beta-1), and a pixel is held by the
// windows of the pixels from `after` before it to `before` behind it.
template <typename T>
__device__ void ratio_step(const SpatialResponseNorm& norm, const T* x, const T* g, Wide<T>* ratio) {
  for (long long plane = blockIdx.y; plane < norm.planes; plane += gridDim.y) {
    const long long start = plane * pixels(norm);
    for (unsigned pixel = first_pixel(); pixel < pixels(norm); pixel += pixel_stride()) {
      const long long i = start + pixel;
      const Wide<T> b = base(norm, x + start, pixel);
      ratio[i] = widen(g[i]) * widen(x[i]) * inverse_power(b, Wide<T>(norm.beta)) / b;
    }
  }
}

template <typename T>
__device__ void backward(const SpatialResponseNorm& norm, const T* x, const T* g, const Wide<T>* ratio, T* dx) {
  for (long long plane = blockIdx.y; plane < norm.planes; plane += gridDim.y) {
    const long long start = plane * pixels(norm);
    for (unsigned pixel = first_pixel(); pixel < pixels(norm); pixel += pixel_stride()) {
      const Square holders(norm, pixel, norm.after, norm.before);
      Wide<T> sum = 0;
      for (int row = holders.top; row <= holders.bottom; row++) {
        for (int column = holders.left; column <= holders.right; column++) {
          sum += ratio[start + (long long)row * norm.width + column];
        }
      }
      const long long i = start + pixel;
      const Wide<T> direct = widen(g[i]) * inverse_power(base(norm, x + start, pixel), Wide<T>(norm.beta));
      dx[i] = narrow<T>(direct - Wide<T>(2 * norm.alpha * norm.beta) * widen(x[i]) * sum);
    }
  }
}

#define EXPORT(NAME, T)                                                                                               \
  extern "C" __global__ void spatial_response_norm_##NAME(SpatialResponseNorm norm, const T* x, T* y) {               \
    forward(norm, x, y);                                                                                              \
  }                                                                                                                   \
  extern "C" __global__ void spatial_response_norm_ratio_##NAME(SpatialResponseNorm norm, const T* x, const T* g,     \
                                                                Wide<T>* ratio) {                                     \
    ratio_step(norm, x, g, ratio);                                                                                    \
  }                                                                                                                   \
  extern "C" __global__ void spatial_response_norm_backward_##NAME(SpatialResponseNorm norm, const T* x, const T* g,  \
                                                                   const Wide<T>* ratio, T* dx) {                     \
    backward(norm, x, g, ratio, dx);                                                                                  \
  }
FOR_EACH_ELEMENT_TYPE(EXPORT)
