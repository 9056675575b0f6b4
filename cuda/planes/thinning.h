// Thinning on a GPU, with the very pixels that one thread going through them in order would leave. A step marks the
// pixels that may go, all by the mask as it is. Then each goes that still may after those marked before it went: a
// pixel's lot is open while it depends on earlier neighbours whose own is open. Most do not wait long, because whatever
// those do, the answer is the same.
#pragma once

#include "cuda/planes/skeleton_recall.h"
#include "math/regions/thinning.h"

namespace cutloss::cuda {

/// Of a pixel, in its byte of the mask. After a step kGone is kEmpty and kStays is kThere.
enum PixelState : uint8_t { kEmpty, kThere, kMarked, kGone, kStays };

__device__ __forceinline__ bool is_there(uint8_t state) { return state != kEmpty && state != kGone; }

template <bool kFlat>
class Thinning {
 public:
  static constexpr int kSteps = kFlat ? 2 : math::kThinningSides;

  __device__ Thinning(const MaskShape& shape, uint8_t* mask, int step)
      : row_(shape.row()), slice_(shape.slice()), mask_(mask), step_(step) {}

  /// Whether the pixel may go by the mask as it was before the step.
  __device__ bool may_go(int64_t at) const {
    uint32_t around = 0;
    if (!is_there(mask_[at])) return false;
    if (!kFlat && is_there(mask_[at + math::thinning_side(step_, row_, slice_)])) return false;
    each_neighbour(at, [&](int bit, uint8_t state, bool) { around |= uint32_t{is_there(state)} << bit; });
    if constexpr (kFlat) return math::zhang_suen_removes(around, step_ == 0);
    return math::lee_removes(around | math::kCentre);
  }

  /// What becomes of a marked pixel: kGone, kStays, or kMarked while that is open.
  __device__ PixelState lot(int64_t at) const {
    uint32_t there = 0, open = 0;
    each_neighbour(at, [&](int bit, uint8_t state, bool earlier) {
      if (earlier && state == kMarked) {
        open |= 1u << bit;
      } else if (earlier ? is_there(state) : state != kEmpty) {  // later ones have not gone yet
        there |= 1u << bit;
      }
    });
    constexpr int kMostOpen = 4;  // which may go in sixteen ways
    if (__popc(open) > kMostOpen) return kMarked;
    const bool goes = still_may(there);
    for (uint32_t stay = open; stay != 0; stay = (stay - 1) & open) {
      if (still_may(there | stay) != goes) return kMarked;
    }
    return goes ? kGone : kStays;
  }

 private:
  __device__ bool still_may(uint32_t around) const {
    if constexpr (kFlat) return math::zhang_suen_removes(around, step_ == 0);
    return math::hangs_together(around);
  }

  /// visit(bit, state, whether it comes before the pixel) for all neighbours.
  template <class Visit>
  __device__ void each_neighbour(int64_t at, const Visit& visit) const {
    if constexpr (kFlat) {
      const uint8_t *own = mask_ + at, *above = own - row_, *below = own + row_;  // clockwise from the one above
      visit(0, above[0], true), visit(1, above[1], true), visit(2, own[1], false), visit(3, below[1], false);
      visit(4, below[0], false), visit(5, below[-1], false), visit(6, own[-1], true), visit(7, above[-1], true);
    } else {
#pragma unroll
      for (int z = 0; z < 3; ++z) {
#pragma unroll
        for (int y = 0; y < 3; ++y) {
          const uint8_t* line = mask_ + at + (z - 1) * slice_ + (y - 1) * row_;
#pragma unroll
          for (int x = 0; x < 3; ++x) {
            const int bit = 9 * z + 3 * y + x;
            if (bit != 13) visit(bit, line[x - 1], bit < 13);
          }
        }
      }
    }
  }

  int64_t row_, slice_;
  uint8_t* mask_;
  int step_;
};

}  // namespace cutloss::cuda
