// A copy keeps as many chunks on the bus as the ring has buffers. Nothing is waited for that the next chunk does not
// need, and every wait ends when the caller is no longer interested.
#include "cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace cutloss::cuda {

Status StagingRing::ready(Buffer& b, Cancel& cancel) noexcept {
  if (!b.free) CUTLOSS_TRY(stream_.check(cudaEventCreateWithFlags(&b.free, cudaEventDisableTiming), "create an event"));
  if (!b.memory) {
    void* memory = nullptr;
    CUTLOSS_TRY(stream_.check(cudaHostAlloc(&memory, kBufferBytes, cudaHostAllocDefault), "pin memory for copies"));
    b.memory = static_cast<std::byte*>(memory);
  }
  return stream_.wait(b.free, cancel);
}

void StagingRing::close() noexcept {
  for (Buffer& b : buffers_) {
    if (b.memory) cudaFreeHost(b.memory);
    if (b.free) cudaEventDestroy(b.free);
    b = {};
  }
}

Status StagingRing::upload(void* device, const void* host, size_t bytes, Cancel& cancel) noexcept {
  for (size_t at = 0; at < bytes; at += kBufferBytes) {
    const size_t count = std::min(kBufferBytes, bytes - at);
    Buffer& b = buffers_[next_++ % kBuffers];
    CUTLOSS_TRY(ready(b, cancel));
    std::memcpy(b.memory, static_cast<const std::byte*>(host) + at, count);
    CUTLOSS_TRY(stream_.check(cudaMemcpyAsync(static_cast<std::byte*>(device) + at, b.memory, count,
                                              cudaMemcpyHostToDevice, stream_.handle()),
                              "copy to the GPU"));
    CUTLOSS_TRY(stream_.check(cudaEventRecord(b.free, stream_.handle()), "record an event"));
  }
  return {};
}

Status StagingRing::download(void* host, const void* device, size_t bytes, Cancel& cancel) noexcept {
  const size_t chunks = (bytes + kBufferBytes - 1) / kBufferBytes;
  const size_t first = next_;
  next_ += chunks;
  const auto buffer = [&](size_t chunk) -> Buffer& { return buffers_[(first + chunk) % kBuffers]; };
  const auto size_of = [&](size_t chunk) { return std::min(kBufferBytes, bytes - chunk * kBufferBytes); };
  for (size_t step = 0; step < chunks + kBuffers - 1; ++step) {
    if (step < chunks) {
      Buffer& b = buffer(step);
      CUTLOSS_TRY(ready(b, cancel));
      CUTLOSS_TRY(stream_.check(cudaMemcpyAsync(b.memory, static_cast<const std::byte*>(device) + step * kBufferBytes,
                                                size_of(step), cudaMemcpyDeviceToHost, stream_.handle()),
                                "copy from the GPU"));
      CUTLOSS_TRY(stream_.check(cudaEventRecord(b.free, stream_.handle()), "record an event"));
    }
    if (step >= kBuffers - 1) {
      const size_t chunk = step - (kBuffers - 1);
      if (chunk >= chunks) break;
      CUTLOSS_TRY(stream_.wait(buffer(chunk).free, cancel));
      std::memcpy(static_cast<std::byte*>(host) + chunk * kBufferBytes, buffer(chunk).memory, size_of(chunk));
    }
  }
  return {};
}

}  // namespace cutloss::cuda
