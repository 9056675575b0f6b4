// The order of classes in which those with large logits are neighbours, so that the filter finds whole tiles to leave
// out: by the logit of the mean of all rows, largest first. The classifier is copied into that order.
#pragma once

#include "cuda/cut_rows/cut_pass.h"
#include "cuda/device.h"

namespace cutloss::cuda {

/// Memory of the GPU, for all classes.
struct SortedClasses {
  int32_t* order;      // the class at each place
  int32_t* place_of;   // the place of each class
  void* classifier;    // in that order
  float* weights;      // likewise; null if no class has any
  float* mean;         // [dim]
  uint32_t* pairs[4];  // keys and classes, and as much to swap with
  uint32_t* counts;    // kSortCountsBytes
};

/// Fills them, and makes `pass` see the classes in that order. Reads the bias as it was given.
Status sort_classes(CutPass& pass, const SortedClasses& to, Device& device, Cancel& cancel) noexcept;

}  // namespace cutloss::cuda
