// Copies between JavaScript's memory and a GPU's. The GPU can only fetch from pinned memory by itself, so a copy goes
// in chunks through a ring of pinned buffers: while one chunk is on the bus, the next is being filled or emptied.
#pragma once

#include <cstddef>

#include "cuda/stream.h"

namespace cutloss::cuda {

class StagingRing {
 public:
  explicit StagingRing(Stream& stream) : stream_(stream) {}
  void close() noexcept;

  /// Returns as soon as `host` has been read; on the stream, the copy is done before what is put there next.
  Status upload(void* device, const void* host, size_t bytes, Cancel& cancel) noexcept;

  /// Returns when `host` has been written.
  Status download(void* host, const void* device, size_t bytes, Cancel& cancel) noexcept;

 private:
  static constexpr int kBuffers = 4;
  static constexpr size_t kBufferBytes = size_t{4} << 20;

  struct Buffer {
    std::byte* memory = nullptr;  // pinned
    cudaEvent_t free = nullptr;   // the copy from or to it is done
  };

  /// Makes the buffer, at its first use, and waits for its last copy.
  Status ready(Buffer& buffer, Cancel& cancel) noexcept;

  Stream& stream_;
  Buffer buffers_[kBuffers];
  size_t next_ = 0;
};

}  // namespace cutloss::cuda
