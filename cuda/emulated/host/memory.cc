// Allocation and copies. A copy is refused when its device side does not lie within one allocation.
#include <cstdlib>
#include <cstring>

#include "cuda/emulated/host/errors.h"
#include "cuda/emulated/runtime/device_memory.h"

using namespace cutloss::emulated;

struct CUmemPool_st {
  uint64_t release_threshold = 0;
};

namespace {

CUmemPool_st default_pool;

bool is_range(void* pointer, size_t bytes) {
  return bytes == 0 || !device_memory().contains(pointer) || device_memory().is_allocated(pointer, bytes);
}

bool matches(const void* pointer, bool on_device) { return device_memory().contains(pointer) == on_device; }

cudaError_t check_kind(const void* to, const void* from, cudaMemcpyKind kind) {
  switch (kind) {
    case cudaMemcpyHostToHost: return matches(to, false) && matches(from, false) ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyHostToDevice: return matches(to, true) && matches(from, false) ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyDeviceToHost: return matches(to, false) && matches(from, true) ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyDeviceToDevice:
      return matches(to, true) && matches(from, true) ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyDefault: return cudaSuccess;
  }
  return cudaErrorInvalidMemcpyDirection;
}

}  // namespace

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  if (!pointer) return remember(cudaErrorInvalidValue);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  *pointer = device_memory().allocate(bytes);
  return remember(*pointer ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void* pointer) {
  if (!pointer) return cudaSuccess;
  return remember(device_memory().release(pointer) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t) { return cudaMalloc(pointer, bytes); }
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t) { return cudaFree(pointer); }

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) {
  void* const memory = malloc(bytes ? bytes : 1);
  const cudaError_t error = remember(memory ? cudaSuccess : cudaErrorMemoryAllocation);
  if (error == cudaSuccess) {
    *pointer = memory;
  } else {
    free(memory);
  }
  return error;
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) { return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault); }

cudaError_t cudaFreeHost(void* pointer) {
  free(pointer);
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void*, size_t, unsigned) { return cudaSuccess; }
cudaError_t cudaHostUnregister(void*) { return cudaSuccess; }

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  if (const cudaError_t error = check_kind(to, from, kind)) return remember(error);
  if (!is_range(to, bytes) || !is_range(const_cast<void*>(from), bytes)) return remember(cudaErrorInvalidValue);
  memmove(to, from, bytes);
  return remember(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  return cudaMemcpy(to, from, bytes, kind);
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t) {
  if (width > to_pitch || width > from_pitch) return remember(cudaErrorInvalidValue);
  for (size_t row = 0; row < height; row++) {
    const cudaError_t error = cudaMemcpy(static_cast<std::byte*>(to) + row * to_pitch,
                                         static_cast<const std::byte*>(from) + row * from_pitch, width, kind);
    if (error) return error;
  }
  return cudaSuccess;
}

cudaError_t cudaMemset(void* pointer, int value, size_t bytes) {
  if (bytes == 0) return cudaSuccess;
  if (!device_memory().is_allocated(pointer, bytes)) return remember(cudaErrorInvalidValue);
  memset(pointer, value, bytes);
  return remember(cudaSuccess);
}

cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t) {
  return cudaMemset(pointer, value, bytes);
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  *total_bytes = device_memory().capacity();
  *free_bytes = device_memory().capacity() - device_memory().used_bytes();
  return remember(cudaSuccess);
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (device != 0) return remember(cudaErrorInvalidDevice);
  *pool = &default_pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  if (attribute == cudaMemPoolAttrReleaseThreshold) memcpy(&pool->release_threshold, value, 8);
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const uint64_t answer =
      attribute == cudaMemPoolAttrReleaseThreshold ? pool->release_threshold : device_memory().used_bytes();
  memcpy(value, &answer, 8);
  return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
