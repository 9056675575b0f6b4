// What each row is asked to predict: class ids of any integer type or distributions, shifted within their sequences,
// ignored rows told apart, every id checked at the moment it is read. For every engine: a GPU's kernels read targets
// with it too, where the views of the request name the GPU's memory.
#pragma once

#include <cinttypes>

#include "engine/row_loss.h"
#include "math/hd.h"

namespace cutloss {

class RowTargets {
 public:
  CUTLOSS_HD explicit RowTargets(const RowLoss& request) : r_(request) {}

  static constexpr int64_t kNone = -1;  // this row predicts nothing
  static constexpr int64_t kBad = -2;   // an id that is no class

  /// Where the target of a row lies in `targets`, or kNone.
  CUTLOSS_HD int64_t source(int64_t row) const {
    if (r_.shift == 0) return row;
    return r_.shift < r_.time - row % r_.time ? row + r_.shift : kNone;
  }

  CUTLOSS_HD int64_t id(int64_t row) const {
    const int64_t from = source(row);
    if (from == kNone) return kNone;
    const int64_t id = raw(from);
    if (id == r_.ignore_index) return kNone;
    return id >= 0 && id < r_.classes ? id : kBad;
  }

  CUTLOSS_HD const void* labels(int64_t row) const {
    const int64_t from = source(row);
    if (from == kNone) return nullptr;
    return r_.targets.as<const char>() + from * r_.classes * static_cast<int64_t>(element_size(r_.targets.dtype));
  }

  /// What stands in `targets` where the row's target is, good or bad.
  CUTLOSS_HD int64_t value(int64_t row) const { return raw(source(row)); }

  Status out_of_range(int64_t row) const { return out_of_range(row, value(row)); }
  Status out_of_range(int64_t row, int64_t value) const {
    Status status =
        failure(Code::kTarget, "Expected targets in [0, %" PRId64 ") for row %" PRId64 " but received %" PRId64,
                r_.classes, source(row), value);
    status.row = source(row);
    status.value = value;
    return status;
  }

 private:
  CUTLOSS_HD int64_t raw(int64_t at) const {
    switch (r_.targets.dtype) {
      case DType::kInt64: return r_.targets.as<const int64_t>()[at];
      case DType::kUint8: return r_.targets.as<const uint8_t>()[at];
      default: return r_.targets.as<const int32_t>()[at];
    }
  }

  const RowLoss& r_;
};

}  // namespace cutloss
