// What follows a convolution up to the next one, in one pass over its output: bias, ReLU, local response normalisation
// and max pooling, the last two in either order, each of them optional (a pool of 1 x 1 windows is none).
//
//   v[c]   = x[c] + bias[c]                     then max(v, 0) where relu is RELU_FIRST
//   norm:    v[c] * B[c]^-beta                  as local_response_norm.cu has it, alpha being effective_alpha
//   pool:    the largest of each window         as max_pool2d.cu has it: a NaN wins over every number
//   y[c]   = that                               then max(v, 0) where relu is RELU_LAST
//
// ReLU makes 0 of a NaN, as candle's does. What stands between x and y is never rounded to the element type.
//
// x and y are each [N, C, H, W] or, as tensor cores take it, [N, H, W, C]. A thread computes one element of y; threads
// next to each other do so in the order of x, which is read far more often than y is written.

#include "common.cuh"

struct Epilogue {
  double alpha, beta, k;
  long long images;
  int channels, height, width, out_height, out_width;
  int kernel_height, kernel_width, stride_height, stride_width;
  int pad_top, pad_left;
  int channels_per_group, before, after;
  int relu, norm;
  int channels_last, out_channels_last;
};
static_assert(sizeof(Epilogue) == 104, "the twin of cuda::params::Epilogue");

enum { NO_RELU, RELU_FIRST, RELU_LAST };
enum { NO_NORM, NORM_THEN_POOL, POOL_THEN_NORM };

// How far apart neighbours lie. One image has fewer than 2^31 elements.
struct Strides {
  unsigned channel, pixel;

  __device__ Strides(bool channels_last, int channels, unsigned pixels)
      : channel(channels_last ? 1 : pixels), pixel(channels_last ? channels : 1) {}
  __device__ unsigned at(int c, unsigned p) const { return c * channel + p * pixel; }
};

// One image of a convolution's output.
template <typename T> struct Convolved {
  const Epilogue& e;
  const T* x;
  const T* bias;
  Strides strides;

  // With bias and, where it comes first, ReLU.
  __device__ Wide<T> activated(int c, unsigned p) const {
    const Wide<T> value = widen(x[strides.at(c, p)]) + widen(bias[c]);
    return e.relu == RELU_FIRST ? positive(value) : value;
  }

  // `value(channel)` over the norm of `value` around a channel.
  template <typename Value> __device__ Wide<T> normalised(int c, Value value) const {
    const int index = c % e.channels_per_group, first = c - index;
    const int from = index > e.before ? index - e.before : 0;
    const int last = e.channels_per_group - 1;
    const int to = last - index > e.after ? index + e.after : last;
    Wide<T> sum = 0, own = 0;
    for (int other = from; other <= to; other++) {
      const Wide<T> v = value(first + other);
      sum += v * v;
      if (other == index) own = v;
    }
    return own * inverse_power(Wide<T>(e.k) + Wide<T>(e.alpha) * sum, Wide<T>(e.beta));
  }

  // The largest `value(pixel)` of an output pixel's window.
  template <typename Value> __device__ Wide<T> largest(unsigned out_pixel, Value value) const {
    const int top = int(out_pixel / e.out_width) * e.stride_height - e.pad_top;
    const int left = int(out_pixel % e.out_width) * e.stride_width - e.pad_left;
    const int bottom = smaller(top + e.kernel_height, e.height);
    const int right = smaller(left + e.kernel_width, e.width);
    Wide<T> best = Wide<T>(-INFINITY);
    for (int row = at_least_zero(top); row < bottom; row++) {
      for (int column = at_least_zero(left); column < right; column++) {
        const Wide<T> v = value(unsigned(row) * e.width + column);
        if (v > best || isnan(v)) best = v;
      }
    }
    return best;
  }

  __device__ Wide<T> output(int c, unsigned out_pixel) const {
    if (e.norm == POOL_THEN_NORM) {
      return normalised(c, [&](int channel) {
        return largest(out_pixel, [&](unsigned p) { return activated(channel, p); });
      });
    }
    return largest(out_pixel, [&](unsigned p) {
      if (e.norm == NO_NORM) return activated(c, p);
      return normalised(c, [&](int channel) { return activated(channel, p); });
    });
  }
};

template <typename T> __device__ void forward(const Epilogue& e, const T* x, const T* bias, T* y) {
  const unsigned pixels = unsigned(e.height) * e.width, out_pixels = unsigned(e.out_height) * e.out_width;
  const Strides from(e.channels_last, e.channels, pixels), to(e.out_channels_last, e.channels, out_pixels);
  const unsigned outputs = e.channels * out_pixels;
  for (long long image = blockIdx.y; image < e.images; image += gridDim.y) {
    const Convolved<T> convolved{e, x + image * e.channels * pixels, bias, from};
    T* out = y + image * outputs;
    for (unsigned i = first_pixel(); i < outputs; i += pixel_stride()) {
      const int c = int(e.channels_last ? i % e.channels : i / out_pixels);
      const unsigned p = e.channels_last ? i / e.channels : i % out_pixels;
      const Wide<T> value = convolved.output(c, p);
      out[to.at(c, p)] = narrow<T>(e.relu == RELU_LAST ? positive(value) : value);
    }
  }
}

#define EXPORT(NAME, T)                                                                                     \
  extern "C" __global__ void epilogue_##NAME(Epilogue epilogue, const T* x, const T* bias, T* y) {          \
    forward(epilogue, x, bias, y);                                                                          \
  }
FOR_EACH_ELEMENT_TYPE(EXPORT)
