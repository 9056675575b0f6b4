// The list of indices of overlap: functions of a region's moments. Adding one is a header in indices/ and a line here;
// engines, binding and validation read the list.
#pragma once

#include "math/regions/indices/accuracy.h"
#include "math/regions/indices/balanced_accuracy.h"
#include "math/regions/indices/dice.h"
#include "math/regions/indices/f_beta.h"
#include "math/regions/indices/g_mean.h"
#include "math/regions/indices/jaccard.h"
#include "math/regions/indices/mcc.h"
#include "math/regions/indices/tversky.h"

#define CUTLOSS_REGION_INDICES(list) \
  list(Dice) list(Jaccard) list(Tversky) list(FBeta) list(Accuracy) list(BalancedAccuracy) list(GMean) list(Mcc)

namespace cutloss::math {

#define CUTLOSS_NAME(Index) Index::kName,
inline constexpr const char* kRegionIndices[] = {CUTLOSS_REGION_INDICES(CUTLOSS_NAME)};
#undef CUTLOSS_NAME

inline constexpr int kRegionIndexCount = sizeof kRegionIndices / sizeof *kRegionIndices;
inline constexpr int kNoRegionIndex = kRegionIndexCount;  // moments only, or terms of the pixels only

CUTLOSS_HD RegionIndex region_index(int kind, const RegionMoments& moments, const IndexOptions& options) {
  const Overlap overlap = Overlap::of(moments, options);
  int candidate = 0;
#define CUTLOSS_AT(Index) \
  if (kind == candidate++) return Index::at(overlap, options);
  CUTLOSS_REGION_INDICES(CUTLOSS_AT)
#undef CUTLOSS_AT
  return {1, {}};
}

/// How an index becomes a loss: (1 - index)^exponent, or -log(index)^exponent.
struct RegionShape {
  double exponent;
  bool log;
};

/// A loss, and its slope by the index.
struct ShapedIndex {
  double value;
  double slope;
};

CUTLOSS_HD ShapedIndex shaped(double index, const RegionShape& shape) {
  const double distance = shape.log ? -std::log(index) : 1 - index;
  const double by_index = shape.log ? -1 / index : -1;
  if (shape.exponent == 1) return {distance, by_index};
  if (distance <= 0) return {0, 0};  // rounding, or a smooth that makes the index exceed one
  return {std::pow(distance, shape.exponent), shape.exponent * std::pow(distance, shape.exponent - 1) * by_index};
}

/// A region's loss and its slopes.
CUTLOSS_HD RegionIndex region_loss(const RegionIndex& index, const RegionShape& shape) {
  const ShapedIndex loss = shaped(index.value, shape);
  return {loss.value, index.slopes.times(loss.slope)};
}

}  // namespace cutloss::math
