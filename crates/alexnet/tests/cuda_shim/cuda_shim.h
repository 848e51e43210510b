// As much of CUDA C++ as kernels/*.cu use, for a C++ compiler: a kernel becomes a function that is called once for each
// thread, one after the other. Included before everything else (-include).

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __forceinline__ inline

using std::isnan;
using std::pow;
using std::sqrt;

struct Index {
  unsigned x, y;
};
inline Index gridDim, blockDim, blockIdx, threadIdx;
