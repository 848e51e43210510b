// Images or weights as a convolution takes them: padded on four sides, with channels last where tensor cores compute,
// and there, with blocks of block_height x block_width pixels made into channels.
//
// A convolution with that stride over few channels is one of stride 1 over the blocks: tensor cores take channels by
// eights, and conv1 has three, but 48 of 4 x 4 pixels. Images and weights are packed by this one kernel: weights
// [O, C, kernel height, kernel width] are O images of kernel size, and what lies beyond the kernel is zero.

#include "common.cuh"

struct Pack {
  long long images;
  int channels, height, width; // of the source, [N, C, H, W]
  int pad_top, pad_left;
  int block_height, block_width;
  int out_height, out_width; // in blocks
  int channels_last;         // [N, H, W, C], a block's pixels in row order, each with its channels; else [N, C, H, W]
};
static_assert(sizeof(Pack) == 48, "the twin of cuda::params::Pack");

template <typename T> __device__ void forward(const Pack& pack, const T* x, T* y) {
  const unsigned pixels = unsigned(pack.height) * pack.width, blocks = unsigned(pack.out_height) * pack.out_width;
  const unsigned depth = unsigned(pack.block_height) * pack.block_width * pack.channels;
  const unsigned outputs = blocks * depth;
  for (long long image = blockIdx.y; image < pack.images; image += gridDim.y) {
    const T* source = x + image * pack.channels * pixels;
    T* out = y + image * outputs;
    for (unsigned i = first_pixel(); i < outputs; i += pixel_stride()) {
      const unsigned block = pack.channels_last ? i / depth : i % blocks;
      const unsigned place = pack.channels_last ? i % depth : i / blocks;
      const unsigned channel = place % pack.channels, within = place / pack.channels;
      const int row = int(block / pack.out_width * pack.block_height + within / pack.block_width) - pack.pad_top;
      const int column = int(block % pack.out_width * pack.block_width + within % pack.block_width) - pack.pad_left;
      const bool inside = row >= 0 && row < pack.height && column >= 0 && column < pack.width;
      out[i] = inside ? source[channel * pixels + unsigned(row) * pack.width + column] : narrow<T>(0);
    }
  }
}

#define EXPORT(NAME, T) \
  extern "C" __global__ void pack_##NAME(Pack pack, const T* x, T* y) { forward(pack, x, y); }
FOR_EACH_ELEMENT_TYPE(EXPORT)
