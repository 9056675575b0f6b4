// The plainest kernels there are.
#include <cstdio>
#include <vector>

#include "cuda/launch.h"
#include "cuda/ptx/memory.h"

using namespace cutloss::cuda;

__global__ void block_sum(const float* values, float* sums, int count) {
  float* partial = ptx::shared_arena<float>();
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) sum += values[i];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    sum = 0;
    for (unsigned i = 0; i < blockDim.x / 32; i++) sum += partial[i];
    atomicAdd(sums, sum);
  }
}

int main() {
  const int n = 10000;
  std::vector<float> v(n);
  for (int i = 0; i < n; i++) v[i] = static_cast<float>(i % 7);
  float *values, *sum, total = 0, want = 0;
  for (float x : v) want += x;
  cudaMalloc(&values, n * 4);
  cudaMalloc(&sum, 4);
  cudaMemset(sum, 0, 4);
  cudaMemcpy(values, v.data(), n * 4, cudaMemcpyHostToDevice);
  const cudaError_t e = launch(block_sum, 7, 128, 16, 0, values, sum, n);
  cudaMemcpy(&total, sum, 4, cudaMemcpyDeviceToHost);
  printf("%s sum %g want %g\n", cudaGetErrorName(e), total, want);
  return total == want ? 0 : 1;
}
