// What a build without the CUDA engine says about GPUs.
#include "engine/engine.h"

namespace cutloss {

int cuda_device_count(const char** why_none) noexcept {
  if (why_none) *why_none = "this build of cutloss has no CUDA engine";
  return 0;
}

CudaVersions cuda_versions() noexcept { return {}; }

Engine* cuda_engine(int index, Status* why) noexcept {
  *why = failure(Code::kDevice, "Expected a device that is there but received cuda:%d: this build has no CUDA engine",
                 index);
  return nullptr;
}

}  // namespace cutloss
