// Putting work in order, and telling an error that passes from one that stays: after the runtime has been made to
// forget the error, a healthy stream answers the next question.
#include "cuda/stream.h"

#include <unistd.h>

#include <chrono>
#include <thread>

namespace cutloss::cuda {

Status Stream::open(int device) noexcept {
  device_ = device;
  process_ = getpid();
  CUTLOSS_TRY(check(cudaSetDevice(device), "use the GPU"));
  return check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "create a stream");
}

void Stream::close() noexcept {
  if (stream_) cudaStreamDestroy(stream_);
  stream_ = nullptr;
}

Status Stream::enter() noexcept {
  if (getpid() != process_) {
    return failure(Code::kCuda,
                   "Expected the process that opened cuda:%d but this is a fork of it: CUDA does not survive fork()",
                   device_);
  }
  if (const cudaError_t error = lost_; error != cudaSuccess) {
    return failure(Code::kCuda, "cuda:%d is lost to this process since an earlier error: %s (%s)", device_,
                   cudaGetErrorString(error), cudaGetErrorName(error));
  }
  return check(cudaSetDevice(device_), "use the GPU");
}

Status Stream::fail(cudaError_t error, const char* doing) noexcept {
  cudaGetLastError();  // forgets it, if it can be forgotten
  if (stream_ && error != cudaErrorMemoryAllocation) {
    const cudaError_t now = cudaStreamQuery(stream_);
    if (now != cudaSuccess && now != cudaErrorNotReady) lost_ = error;
  }
  return cuda_failure(error, doing);
}

Status Stream::wait(cudaEvent_t event, Cancel& cancel) noexcept {
  using Clock = std::chrono::steady_clock;
  constexpr auto kSpin = std::chrono::microseconds(100), kPause = std::chrono::microseconds(50);
  const Clock::time_point begin = Clock::now();
  for (;;) {
    const cudaError_t state = cudaEventQuery(event);
    if (state != cudaErrorNotReady) return check(state, "compute");
    if (cancel.requested()) return cancelled();
    if (Clock::now() - begin > kSpin) std::this_thread::sleep_for(kPause);
  }
}

}  // namespace cutloss::cuda
