// What the GPU's memory can do: a copy on the device (bytes read plus bytes written) and a sum that only reads, median
// of 20 after a warm-up, over buffers many times the caches. Prints GB/s as JSON. argv: MiB of a buffer, 4096 if none.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kThreads = 512, kUnroll = 8, kRounds = 20;

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(2);
}

__global__ void sum(const uint4* from, size_t count, unsigned* out) {
  unsigned total = 0;
  const size_t step = static_cast<size_t>(gridDim.x) * kThreads;
  size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (; i + (kUnroll - 1) * step < count; i += kUnroll * step) {
    uint4 part[kUnroll];
#pragma unroll
    for (int k = 0; k < kUnroll; ++k) part[k] = from[i + k * step];
#pragma unroll
    for (int k = 0; k < kUnroll; ++k) total += part[k].x ^ part[k].y ^ part[k].z ^ part[k].w;
  }
  if (total == 0xffffffffu) *out = total;  // keeps the loads
}

template <class Work>
double median_seconds(Work&& work) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "event");
  check(cudaEventCreate(&end), "event");
  std::vector<float> times;
  for (int round = -3; round < kRounds; ++round) {
    check(cudaEventRecord(begin), "record");
    work();
    check(cudaEventRecord(end), "record");
    check(cudaEventSynchronize(end), "compute");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "time");
    if (round >= 0) times.push_back(milliseconds);
  }
  std::sort(times.begin(), times.end());
  return times[kRounds / 2] / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t bytes = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4096) << 20;
  char *from = nullptr, *to = nullptr;
  check(cudaMalloc(&from, bytes), "memory");
  check(cudaMalloc(&to, bytes), "memory");
  std::vector<unsigned> noise(size_t{16} << 20);
  unsigned state = 1;
  for (unsigned& word : noise) word = state = state * 1664525u + 1013904223u;
  for (size_t at = 0; at < bytes; at += noise.size() * sizeof(unsigned)) {
    const size_t count = std::min(bytes - at, noise.size() * sizeof(unsigned));
    check(cudaMemcpy(from + at, noise.data(), count, cudaMemcpyHostToDevice), "upload");
  }
  int multiprocessors = 0;
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0), "describe the GPU");
  const double copy =
      median_seconds([&] { check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice), "copy"); });
  const double read = median_seconds([&] {
    sum<<<4 * multiprocessors, kThreads>>>(reinterpret_cast<const uint4*>(from), bytes / sizeof(uint4),
                                           reinterpret_cast<unsigned*>(to));
    check(cudaGetLastError(), "launch");
  });
  std::printf("{\"copy\": %.1f, \"read\": %.1f, \"MiB\": %zu}\n", 2 * bytes / copy * 1e-9, bytes / read * 1e-9,
              bytes >> 20);
}
