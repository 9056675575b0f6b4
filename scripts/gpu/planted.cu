// Three kernels for compute-sanitizer: one is right, one writes beyond its memory, one has a race on shared memory.
// gpu-check.sh runs them first, so that a silent sanitizer is known to be able to speak.
#include <cstdio>
#include <cstring>

namespace {

constexpr int kThreads = 64;

__global__ void clean(int* out) { out[threadIdx.x] = static_cast<int>(threadIdx.x); }

__global__ void bounds(int* out) { out[threadIdx.x + kThreads] = 1; }

__global__ void race(int* out) {
  extern __shared__ int shared[];
  shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  out[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];  // __syncthreads() is missing
}

}  // namespace

int main(int argc, char** argv) {
  const char* which = argc > 1 ? argv[1] : "clean";
  int* out = nullptr;
  cudaError_t error = cudaMalloc(&out, kThreads * sizeof(int));
  if (error == cudaSuccess) {
    const auto kernel = !std::strcmp(which, "bounds") ? bounds : !std::strcmp(which, "race") ? race : clean;
    kernel<<<1, kThreads, kThreads * sizeof(int)>>>(out);
    error = cudaDeviceSynchronize();
  }
  std::printf("%s: %s\n", which, cudaGetErrorString(error));
  return error == cudaSuccess ? 0 : 2;
}
