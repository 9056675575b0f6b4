// A kernel in a shared library that is loaded at run time, as the addon of a test build is.
#include "cuda/emulated/test/device_array.h"
#include "cuda/launch.h"

namespace {

__global__ void square(int* values) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  values[i] = i * i + __shfl_sync(~0u, 1, 0);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int run_in_module() {
  using namespace cutloss::emulated::test;
  const DeviceArray<int> values(size_t{256});
  check(cutloss::cuda::launch(square, 4, 64, 0, nullptr, values.data()), "launch");
  const std::vector<int> got = values.get();
  for (int i = 0; i < 256; i++)
    if (got[static_cast<size_t>(i)] != i * i + 1) return 1;
  return 0;
}
