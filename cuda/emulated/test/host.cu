// The host side of the emulated device: allocation and its failures, copies that are refused, launches that no GPU
// would accept, streams and events, and what a kernel sees of its launch.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/test/device_array.h"
#include "cuda/launch.h"
#include "cuda/ptx/memory.h"

using namespace cutloss::cuda;
using cutloss::emulated::device_memory;
using cutloss::emulated::test::DeviceArray;

namespace {

bool failed = false;

void expect(bool right, const char* what) {
  printf("%-64s %s\n", what, right ? "ok" : "WRONG");
  if (!right) failed = true;
}

void allocation_fails_when_asked() {
  void* p[3];
  expect(cudaMalloc(&p[0], 100) == cudaSuccess && cudaMalloc(&p[1], 100) == cudaSuccess,
         "allocations before the failing one");
  expect(cudaMalloc(&p[2], 100) == cudaErrorMemoryAllocation && p[2] == nullptr,
         "the third allocation fails, as asked");
  expect(cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess,
         "the error is remembered once");
  expect(cudaMallocAsync(&p[2], 100, nullptr) == cudaSuccess, "the fourth succeeds again");
  expect(cudaFree(p[0]) == cudaSuccess && cudaFree(p[1]) == cudaSuccess && cudaFreeAsync(p[2], nullptr) == cudaSuccess,
         "all are freed");
  expect(cudaFree(p[0]) == cudaErrorInvalidValue, "freeing twice is refused");
  device_memory().fail_allocation(1);
  expect(cudaMalloc(&p[0], 1) == cudaErrorMemoryAllocation, "a failure asked for by the program");
}

void memory_is_accounted_for() {
  size_t before, after, total;
  void* p;
  cudaMemGetInfo(&before, &total);
  cudaMalloc(&p, 1 << 20);
  cudaMemGetInfo(&after, &total);
  expect(before - after == 1 << 20, "cudaMemGetInfo sees an allocation");
  cudaFree(p);
  cudaMemGetInfo(&after, &total);
  expect(before == after, "and its end");
  expect(cudaMalloc(&p, total + 1) == cudaErrorMemoryAllocation, "more than there is fails");
  expect(cudaMalloc(&p, 0) == cudaSuccess && p == nullptr && cudaFree(p) == cudaSuccess, "nothing is null");
}

void copies_are_checked() {
  const DeviceArray<int> device(size_t{10});
  std::vector<int> host(11, 3);
  expect(cudaMemcpy(device.data(), host.data(), 40, cudaMemcpyHostToDevice) == cudaSuccess, "a copy to the device");
  expect(cudaMemcpy(device.data(), host.data(), 44, cudaMemcpyHostToDevice) == cudaErrorInvalidValue,
         "a copy that is too long");
  expect(cudaMemcpy(device.data(), host.data(), 40, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue,
         "a copy in the wrong direction");
  expect(cudaMemset(device.data() + 1, 0, 40) == cudaErrorInvalidValue, "a memset that is too long");
  expect(cudaMemsetAsync(device.data() + 1, 0, 36) == cudaSuccess &&
             device.get() == std::vector<int>{3, 0, 0, 0, 0, 0, 0, 0, 0, 0},
         "cudaMemset");
  const DeviceArray<float> fresh(size_t{100});
  bool all_nan = true;
  for (float x : fresh.get()) all_nan &= x != x;
  expect(all_nan, "fresh device memory is NaN");
}

__global__ void coordinates(int* out) {
  const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}

void launches_are_checked() {
  const DeviceArray<int> out(size_t{24 * 30});
  expect(launch(coordinates, dim3(2, 3, 4), dim3(5, 3, 2), 0, nullptr, out.data()) == cudaSuccess,
         "a launch in three dimensions");
  const std::vector<int> got = out.get();
  bool right = true;
  for (int i = 0; i < 24 * 30; i++) right &= got[static_cast<size_t>(i)] == i / 30 * 1000 + i % 30;
  expect(right, "every thread has its own coordinates");
  expect(launch(coordinates, 1, 1025, 0, nullptr, out.data()) == cudaErrorInvalidConfiguration, "too many threads");
  expect(launch(coordinates, 0, 32, 0, nullptr, out.data()) == cudaErrorInvalidConfiguration, "an empty grid");
  expect(launch(coordinates, 1, 32, 228 * 1024, nullptr, out.data()) == cudaErrorInvalidConfiguration,
         "too much shared memory");
  expect(launch(coordinates, dim3(1, 65536), 32, 0, nullptr, out.data()) == cudaErrorInvalidConfiguration,
         "a grid that is too high");
  expect(launch_cluster(coordinates, 3, 32, 2, 0, nullptr, out.data()) == cudaErrorInvalidConfiguration,
         "a grid of broken clusters");
}

__global__ void deep_recursion(int* out, int depth) {
  volatile char frame[512];
  frame[depth % 512] = static_cast<char>(depth);
  if (depth > 0) deep_recursion(out, depth - 1);
  out[0] = frame[depth % 512];
}

void streams_and_events() {
  cudaStream_t stream;
  cudaEvent_t start, end;
  expect(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess &&
             cudaEventCreateWithFlags(&start, cudaEventDefault) == cudaSuccess && cudaEventCreate(&end) == cudaSuccess,
         "a stream and two events");
  float milliseconds = -1;
  expect(cudaEventElapsedTime(&milliseconds, start, end) == cudaErrorInvalidResourceHandle,
         "no time between events that were not recorded");
  cudaEventRecord(start, stream);
  const DeviceArray<int> out(size_t{1});
  expect(launch(deep_recursion, 1, 1, 0, stream, out.data(), 100) == cudaSuccess, "a kernel with a deep stack");
  cudaEventRecord(end, stream);
  expect(cudaEventElapsedTime(&milliseconds, start, end) == cudaSuccess && milliseconds >= 0,
         "the time between events");
  expect(cudaStreamWaitEvent(stream, end) == cudaSuccess && cudaStreamQuery(stream) == cudaSuccess &&
             cudaStreamSynchronize(stream) == cudaSuccess,
         "waiting for what is done");
  expect(cudaEventDestroy(start) == cudaSuccess && cudaEventDestroy(end) == cudaSuccess &&
             cudaStreamDestroy(stream) == cudaSuccess,
         "their end");
}

void the_device() {
  cudaDeviceProp properties;
  int count = 0, value = 0;
  expect(cudaGetDeviceCount(&count) == cudaSuccess && count == 1, "one device");
  expect(cudaGetDeviceProperties(&properties, 0) == cudaSuccess && properties.major == 8 && properties.minor == 6,
         "its compute capability is the one asked for");
  expect(cudaGetDeviceProperties(&properties, 1) == cudaErrorInvalidDevice, "there is no second");
  expect(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0) == cudaSuccess && value == 4,
         "an attribute");
  expect(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&value, coordinates, 512, 100 * 1024) == cudaSuccess && value == 2,
      "occupancy");
}

}  // namespace

int main() {
  setenv("CUTLOSS_EMULATED_FAIL_ALLOCATION", "3", 1);
  setenv("CUTLOSS_EMULATED_COMPUTE_CAPABILITY", "86", 1);
  allocation_fails_when_asked();
  memory_is_accounted_for();
  copies_are_checked();
  launches_are_checked();
  streams_and_events();
  the_device();
  return failed ? 1 : 0;
}
