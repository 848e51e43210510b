// The largest value of each window, forward and backward. Rounding is settled before: it is in `out_height` and
// `out_width`, and a last window that the input doesn't fill is cut at the border. Padding never wins. As in PyTorch, of
// equal values the first in row order wins, a NaN wins over every number, and the gradient goes to the winner alone.

#include "common.cuh"

struct MaxPool2d {
  long long planes;
  int height, width, out_height, out_width;
  int kernel_height, kernel_width, stride_height, stride_width;
  int pad_top, pad_left;
};
static_assert(sizeof(MaxPool2d) == 48, "the twin of cuda::params::MaxPool2d");

// Where in the map `x` the winner of one output's window stands.
template <typename T>
__device__ int winner(const MaxPool2d& pool, const T* x, int out_row, int out_column) {
  const int top = out_row * pool.stride_height - pool.pad_top;
  const int left = out_column * pool.stride_width - pool.pad_left;
  const int bottom = smaller(top + pool.kernel_height, pool.height);
  const int right = smaller(left + pool.kernel_width, pool.width);

  int best = at_least_zero(top) * pool.width + at_least_zero(left);
  Wide<T> largest = widen(x[best]);
  for (int row = at_least_zero(top); row < bottom; row++) {
    for (int column = at_least_zero(left); column < right; column++) {
      const Wide<T> value = widen(x[row * pool.width + column]);
      if (value > largest || isnan(value)) {
        best = row * pool.width + column;
        largest = value;
      }
    }
  }
  return best;
}

template <typename T> __device__ void forward(const MaxPool2d& pool, const T* x, T* y) {
  const unsigned pixels = unsigned(pool.height) * pool.width;
  const unsigned out_pixels = unsigned(pool.out_height) * pool.out_width;
  for (long long plane = blockIdx.y; plane < pool.planes; plane += gridDim.y) {
    const T* map = x + plane * pixels;
    for (unsigned pixel = first_pixel(); pixel < out_pixels; pixel += pixel_stride()) {
      y[plane * out_pixels + pixel] = map[winner(pool, map, pixel / pool.out_width, pixel % pool.out_width)];
    }
  }
}

// Each input pixel gathers the gradients of the windows that it won. No atomics: the result is the same at every run.
template <typename T> __device__ void backward(const MaxPool2d& pool, const T* x, const T* g, T* dx) {
  const unsigned pixels = unsigned(pool.height) * pool.width;
  const unsigned out_pixels = unsigned(pool.out_height) * pool.out_width;
  for (long long plane = blockIdx.y; plane < pool.planes; plane += gridDim.y) {
    const T* map = x + plane * pixels;
    const T* gradient = g + plane * out_pixels;
    for (unsigned pixel = first_pixel(); pixel < pixels; pixel += pixel_stride()) {
      const int row = int(pixel / pool.width) + pool.pad_top, column = int(pixel % pool.width) + pool.pad_left;
      // The windows that hold the pixel: those that start at most kernel - 1 before it.
      const int last_row = smaller(row / pool.stride_height, pool.out_height - 1);
      const int last_column = smaller(column / pool.stride_width, pool.out_width - 1);
      const int first_row = at_least_zero(row - pool.kernel_height + pool.stride_height) / pool.stride_height;
      const int first_column = at_least_zero(column - pool.kernel_width + pool.stride_width) / pool.stride_width;

      Wide<T> sum = 0;
      for (int r = first_row; r <= last_row; r++) {
        for (int c = first_column; c <= last_column; c++) {
          if (winner(pool, map, r, c) == int(pixel)) {
            sum += widen(gradient[r * pool.out_width + c]);
          }
        }
      }
      dx[plane * pixels + pixel] = narrow<T>(sum);
    }
  }
}

#define EXPORT(NAME, T)                                                                                          \
  extern "C" __global__ void max_pool2d_##NAME(MaxPool2d pool, const T* x, T* y) { forward(pool, x, y); }       \
  extern "C" __global__ void max_pool2d_backward_##NAME(MaxPool2d pool, const T* x, const T* g, T* dx) {        \
    backward(pool, x, g, dx);                                                                                    \
  }
FOR_EACH_ELEMENT_TYPE(EXPORT)
