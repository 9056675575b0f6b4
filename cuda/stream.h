// The one stream of a GPU, on which all its work is put in order, and its health. Everything goes through it, frees
// included, so nothing needs to be waited for before it is given up: what comes later on the stream comes later.
//
// Some errors (an illegal address, say) stay with the process: every later call gets them. The stream is then lost, and
// says so at once for ever after.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <mutex>

#include "cuda/errors.h"
#include "engine/engine.h"

namespace cutloss::cuda {

class Stream {
 public:
  Status open(int device) noexcept;
  void close() noexcept;

  int device() const { return device_; }
  cudaStream_t handle() const { return stream_; }

  /// Makes the GPU current for the calling thread. Fails where the GPU is lost, or in a forked process.
  Status enter() noexcept;

  /// Every result of the runtime passes through here. `doing` completes "CUDA could not ...".
  Status check(cudaError_t error, const char* doing) noexcept {
    return error == cudaSuccess ? Status{} : fail(error, doing);
  }

  /// Waits for the event, or until the caller is no longer interested; the work goes on then.
  Status wait(cudaEvent_t event, Cancel& cancel) noexcept;

  /// Held by whoever puts a request on the stream, until it is done.
  std::mutex& submission() { return submission_; }

 private:
  Status fail(cudaError_t error, const char* doing) noexcept;

  int device_ = 0;
  pid_t process_ = 0;
  cudaStream_t stream_ = nullptr;
  std::atomic<cudaError_t> lost_{cudaSuccess};
  std::mutex submission_;
};

}  // namespace cutloss::cuda
