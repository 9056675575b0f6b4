// What a request on a GPU works with.
#pragma once

#include "cuda/memory.h"
#include "cuda/staging.h"
#include "cuda/stream.h"

namespace cutloss::cuda {

struct Device {
  Stream stream;
  MemoryPool memory{stream};
  StagingRing staging{stream};
  int multiprocessors = 0;
  int compute_capability = 0;  // 90 for 9.0

  void close() noexcept {
    staging.close();
    stream.close();
  }
};

}  // namespace cutloss::cuda
