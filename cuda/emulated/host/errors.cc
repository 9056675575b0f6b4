// Names, sentences and the last error of each OS thread.
#include "cuda/emulated/host/errors.h"

#include <atomic>
#include <cstdlib>

namespace cutloss::emulated {
namespace {

thread_local cudaError_t last_error = cudaSuccess;
long calls_from_environment() {
  const char* text = std::getenv("CUTLOSS_EMULATED_LOST_AFTER");
  return text ? std::atol(text) : 0;
}

std::atomic<long> calls_left{calls_from_environment()};
std::atomic<bool> lost{false};

struct Description {
  cudaError_t error;
  const char *name, *sentence;
};

constexpr Description kDescriptions[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidDevicePointer, "cudaErrorInvalidDevicePointer", "invalid device pointer"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
};

const Description* find(cudaError_t error) {
  for (const Description& description : kDescriptions)
    if (description.error == error) return &description;
  return nullptr;
}

}  // namespace

cudaError_t remember(cudaError_t error) {
  if (calls_left > 0 && --calls_left == 0) lost = true;
  if (lost) error = cudaErrorIllegalAddress;
  if (error != cudaSuccess) last_error = error;
  return error;
}

void lose_device_after(long calls) { calls_left = calls; }

}  // namespace cutloss::emulated

using namespace cutloss::emulated;

const char* cudaGetErrorName(cudaError_t error) {
  const Description* description = find(error);
  return description ? description->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const Description* description = find(error);
  return description ? description->sentence : "unrecognized error code";
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  if (!lost) last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return last_error; }
