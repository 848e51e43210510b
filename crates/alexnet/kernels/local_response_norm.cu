// Local response normalisation across channels, forward and backward:
//
//   y[c] = x[c] * B[c]^-beta,    B[c] = k + alpha * sum of x[j]^2, c - before <= j <= c + after, j in c's group
//
// Here alpha is what multiplies the plain sum (alpha / size, LocalResponseNorm::effective_alpha).

#include "common.cuh"

struct LocalResponseNorm {
  double alpha, beta, k;
  long long planes;
  unsigned pixels;
  int channels_per_group;
  int before, after; // channels of the window on either side of its own
};
static_assert(sizeof(LocalResponseNorm) == 48, "the twin of cuda::params::LocalResponseNorm");

// Where one channel stands in its group, and the sums over its neighbours.
struct Channel {
  long long group; // offset of the group's first plane
  int index;       // of the channel within the group
  int last;        // index of the group's last channel
  unsigned pixels;

  __device__ Channel(const LocalResponseNorm& norm, long long plane)
      : index(int(plane % norm.channels_per_group)), last(norm.channels_per_group - 1), pixels(norm.pixels) {
    group = (plane - index) * pixels;
  }

  __device__ long long offset(int channel, unsigned pixel) const { return group + (long long)channel * pixels + pixel; }
  __device__ long long offset(unsigned pixel) const { return offset(index, pixel); }

  // The channels from `before` below to `after` above this one, cut at the group's ends.
  __device__ int from(int before) const { return index > before ? index - before : 0; }
  __device__ int to(int after) const { return last - index > after ? index + after : last; }
};

template <typename T>
__device__ Wide<T> base(const LocalResponseNorm& norm, const T* x, const Channel& channel, unsigned pixel) {
  Wide<T> sum = 0;
  for (int c = channel.from(norm.before); c <= channel.to(norm.after); c++) {
    const Wide<T> value = widen(x[channel.offset(c, pixel)]);
    sum += value * value;
  }
  return Wide<T>(norm.k) + Wide<T>(norm.alpha) * sum;
}

template <typename T> __device__ void forward(const LocalResponseNorm& norm, const T* x, T* y) {
  for (long long plane = blockIdx.y; plane < norm.planes; plane += gridDim.y) {
    const Channel channel(norm, plane);
    for (unsigned pixel = first_pixel(); pixel < norm.pixels; pixel += pixel_stride()) {
      const long long i = channel.offset(pixel);
      y[i] = narrow<T>(widen(x[i]) * inverse_power(base(norm, x, channel, pixel), Wide<T>(norm.beta)));
    }
  }
}

// The backward pass, of which the second step sums what the first has left in `ratio`:
//
//   ratio[c] = g[c] x[c] B[c]^(-beta-1)
//   dx[c] = g[c] B[c]^-beta - 2 alpha beta x[c] * sum of ratio[j] over the j whose windows hold c
//
// c - before <= j <= c + after turned round is j - after <= c <= j + before. No thread writes to another's element, so
// the result is the same at every run.
template <typename T>
__device__ void ratio_step(const LocalResponseNorm& norm, const T* x, const T* g, Wide<T>* ratio) {
  for (long long plane = blockIdx.y; plane < norm.planes; plane += gridDim.y) {
    const Channel channel(norm, plane);
    for (unsigned pixel = first_pixel(); pixel < norm.pixels; pixel += pixel_stride()) {
      const long long i = channel.offset(pixel);
      const Wide<T> b = base(norm, x, channel, pixel);
      ratio[i] = widen(g[i]) * widen(x[i]) * inverse_power(b, Wide<T>(norm.beta)) / b;
    }
  }
}

template <typename T>
__device__ void backward(const LocalResponseNorm& norm, const T* x, const T* g, const Wide<T>* ratio, T* dx) {
  for (long long plane = blockIdx.y; plane < norm.planes; plane += gridDim.y) {
    const Channel channel(norm, plane);
    for (unsigned pixel = first_pixel(); pixel < norm.pixels; pixel += pixel_stride()) {
      Wide<T> sum = 0;
      for (int c = channel.from(norm.after); c <= channel.to(norm.before); c++) {
        sum += ratio[channel.offset(c, pixel)];
      }
      const long long i = channel.offset(pixel);
      const Wide<T> direct = widen(g[i]) * inverse_power(base(norm, x, channel, pixel), Wide<T>(norm.beta));
      dx[i] = narrow<T>(direct - Wide<T>(2 * norm.alpha * norm.beta) * widen(x[i]) * sum);
    }
  }
}

#define EXPORT(NAME, T)                                                                                             \
  extern "C" __global__ void local_response_norm_##NAME(LocalResponseNorm norm, const T* x, T* y) {                 \
    forward(norm, x, y);                                                                                            \
  }                                                                                                                 \
  extern "C" __global__ void local_response_norm_ratio_##NAME(LocalResponseNorm norm, const T* x, const T* g,       \
                                                              Wide<T>* ratio) {                                     \
    ratio_step(norm, x, g, ratio);                                                                                  \
  }                                                                                                                 \
  extern "C" __global__ void local_response_norm_backward_##NAME(LocalResponseNorm norm, const T* x, const T* g,    \
                                                                 const Wide<T>* ratio, T* dx) {                     \
    backward(norm, x, g, ratio, dx);                                                                                \
  }
FOR_EACH_ELEMENT_TYPE(EXPORT)
