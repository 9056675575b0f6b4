// What each pixel is asked to predict, and its weight. For every engine: a GPU's kernels read them with it too, where
// the views of the request name the GPU's memory.
#pragma once

#include <cinttypes>

#include "engine/regions.h"

namespace cutloss {

class RegionTargets {
 public:
  CUTLOSS_HD explicit RegionTargets(const RegionsRequest& request) : r_(request) {}

  static constexpr int64_t kNone = -1;  // ignored
  static constexpr int64_t kBad = -2;   // an id that is no class

  CUTLOSS_HD int64_t id(int64_t pixel) const {
    const int64_t id = value(pixel);
    if (r_.ignores && id == r_.ignore_index) return kNone;
    return id >= 0 && id < r_.classes ? id : kBad;
  }

  CUTLOSS_HD float weight(int64_t pixel) const {
    if (!r_.mask) return 1;
    return r_.mask.dtype == DType::kFloat32 ? r_.mask.as<const float>()[pixel] : r_.mask.as<const uint8_t>()[pixel];
  }

  Status out_of_range(int64_t pixel, int64_t value) const {
    Status status =
        failure(Code::kTarget, "Expected targets in [0, %" PRId64 ") for pixel %" PRId64 " but received %" PRId64,
                r_.classes, pixel, value);
    status.row = pixel;
    status.value = value;
    return status;
  }

  /// What stands in `targets` for the pixel, good or bad.
  CUTLOSS_HD int64_t value(int64_t pixel) const {
    switch (r_.targets.dtype) {
      case DType::kInt64: return r_.targets.as<const int64_t>()[pixel];
      case DType::kUint8: return r_.targets.as<const uint8_t>()[pixel];
      default: return r_.targets.as<const int32_t>()[pixel];
    }
  }

 private:
  const RegionsRequest& r_;
};

}  // namespace cutloss
