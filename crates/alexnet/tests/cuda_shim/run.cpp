// Runs one kernel on the CPU, for src/cuda/tests.
//
// stdin: blocks of a 64-bit length and as many bytes: the kernel's name; blocks along x, blocks along y and threads per
// block as 32-bit numbers; the parameters; each input; and the output's length as a 64-bit number.
// stdout: the output's bytes. Exit code 3: the kernel wrote beside its output.

#include "../../kernels/epilogue.cu"
#undef EXPORT
#include "../../kernels/local_response_norm.cu"
#undef EXPORT
#include "../../kernels/max_pool2d.cu"
#undef EXPORT
#include "../../kernels/pack.cu"
#undef EXPORT
#include "../../kernels/spatial_response_norm.cu"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using Bytes = std::vector<char>;

// All ones is a NaN in every type: a kernel that reads beside a tensor, or leaves an element unwritten, shows it.
const std::size_t GUARD = 64;
const char POISON = '\xff';

// A tensor between two guards.
struct Buffer {
  Bytes bytes;

  explicit Buffer(const Bytes& content) : bytes(content.size() + 2 * GUARD, POISON) {
    std::memcpy(bytes.data() + GUARD, content.data(), content.size());
  }
  char* content() { return bytes.data() + GUARD; }
  std::size_t size() const { return bytes.size() - 2 * GUARD; }
  bool guarded() const {
    for (std::size_t i = 0; i < GUARD; i++) {
      if (bytes[i] != POISON || bytes[bytes.size() - 1 - i] != POISON) return false;
    }
    return true;
  }
};

[[noreturn]] void stop(int code, const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(code);
}

std::vector<Bytes> read_blocks() {
  std::vector<Bytes> blocks;
  std::uint64_t length;
  while (std::fread(&length, sizeof length, 1, stdin) == 1) {
    Bytes block(length);
    if (length > 0 && std::fread(block.data(), 1, length, stdin) != length) stop(2, "a block is cut short");
    blocks.push_back(block);
  }
  return blocks;
}

template <typename Parameters, typename... Pointers, std::size_t... I>
void launch(void (*kernel)(Parameters, Pointers...), const Bytes& parameters, std::vector<Buffer>& tensors,
            std::index_sequence<I...>) {
  if (parameters.size() != sizeof(Parameters) || tensors.size() != sizeof...(Pointers)) stop(2, "other arguments");
  Parameters copy;
  std::memcpy(&copy, parameters.data(), sizeof copy);
  for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
      for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
        kernel(copy, reinterpret_cast<Pointers>(tensors[I].content())...);
}

template <typename Parameters, typename... Pointers>
void launch(void (*kernel)(Parameters, Pointers...), const Bytes& parameters, std::vector<Buffer>& tensors) {
  launch(kernel, parameters, tensors, std::index_sequence_for<Pointers...>());
}

int main() {
  const std::vector<Bytes> blocks = read_blocks();
  if (blocks.size() < 5) stop(2, "too few blocks");
  const std::string name(blocks[0].begin(), blocks[0].end());
  std::uint32_t grid[3];
  std::memcpy(grid, blocks[1].data(), sizeof grid);
  gridDim = {grid[0], grid[1]};
  blockDim = {grid[2], 1};

  std::vector<Buffer> tensors;
  for (std::size_t i = 3; i + 1 < blocks.size(); i++) tensors.emplace_back(blocks[i]);
  std::uint64_t length;
  std::memcpy(&length, blocks.back().data(), sizeof length);
  tensors.emplace_back(Bytes(length, POISON));

#define KERNEL(KERNEL_NAME) \
  if (name == #KERNEL_NAME) launch(KERNEL_NAME, blocks[2], tensors); else
#define KERNELS(NAME, T)                      \
  KERNEL(epilogue_##NAME)                       \
  KERNEL(local_response_norm_##NAME)            \
  KERNEL(local_response_norm_ratio_##NAME)      \
  KERNEL(local_response_norm_backward_##NAME)   \
  KERNEL(max_pool2d_##NAME)                     \
  KERNEL(max_pool2d_backward_##NAME)            \
  KERNEL(pack_##NAME)                           \
  KERNEL(spatial_response_norm_##NAME)          \
  KERNEL(spatial_response_norm_ratio_##NAME)    \
  KERNEL(spatial_response_norm_backward_##NAME)
  FOR_EACH_ELEMENT_TYPE(KERNELS) stop(2, "no kernel is called " + name);

  for (const Buffer& tensor : tensors) {
    if (!tensor.guarded()) stop(3, name + " wrote beside a tensor");
  }
  Buffer& output = tensors.back();
  return std::fwrite(output.content(), 1, output.size(), stdout) == output.size() ? 0 : 2;
}
