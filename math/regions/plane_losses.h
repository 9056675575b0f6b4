// Losses of regions that depend on where the pixels are, or on their order, and not on sums of single pixels alone. An
// engine looks at whole planes, the predictions of a class of an image, and leaves a few sums of each region; from here
// on they are indices of overlap like the others.
#pragma once

#include "math/regions/indices.h"

namespace cutloss::math {

enum class PlaneLoss : int { kNone, kLovasz, kSoftClDice, kSkeletonRecall };
inline constexpr int kPlaneLossCount = 4;

/// What the planes of a region add up to, or slopes by that.
///
///   Lovász           first: the loss itself
///   skeleton recall  sum m p S, sum m S, with S the labels' part of the tube around their skeleton
///   soft clDice      sum m s y, sum m s, sum m t p, sum m t, with s and t the soft skeletons of predictions and labels
struct PlaneSums {
  double first, second, third, fourth;

  CUTLOSS_HD void add(const PlaneSums& o, double weight) {
    first += weight * o.first;
    second += weight * o.second;
    third += weight * o.third;
    fourth += weight * o.fourth;
  }
  CUTLOSS_HD PlaneSums times(double factor) const {
    if (factor == 0) return {0, 0, 0, 0};
    return {factor * first, factor * second, factor * third, factor * fourth};
  }
};

struct PlaneIndex {
  RegionIndex index;
  PlaneSums slopes;
};

/// (u + s) / (v + s) and its slopes; as ratio() of moments.
struct PlaneRatio {
  double value, by_u, by_v;

  CUTLOSS_HD static PlaneRatio of(double u, double v, const IndexOptions& o) {
    const double numerator = u + o.numerator_smooth, denominator = v + o.denominator_smooth;
    if (denominator == 0) return {1, 0, 0};
    const double value = numerator / denominator;
    return {value, 1 / denominator, -value / denominator};
  }
};

/// clDice (Shit et al. 2021): the harmonic mean of how much of the prediction's skeleton lies in the labels, and of the
/// labels' skeleton in the prediction.
CUTLOSS_HD PlaneIndex cl_dice(const PlaneSums& sums, const IndexOptions& o) {
  const PlaneRatio precision = PlaneRatio::of(sums.first, sums.second, o);
  const PlaneRatio sensitivity = PlaneRatio::of(sums.third, sums.fourth, o);
  const double both = precision.value + sensitivity.value;
  if (both == 0) return {{0, {}}, {}};
  const double p = precision.value / both, s = sensitivity.value / both;
  return {{2 * p * sensitivity.value, {}},
          {2 * s * s * precision.by_u, 2 * s * s * precision.by_v, 2 * p * p * sensitivity.by_u,
           2 * p * p * sensitivity.by_v}};
}

/// Of clDice `first` of the options is the share, the rest is that of Dice.
CUTLOSS_HD PlaneIndex plane_index(PlaneLoss kind, const PlaneSums& sums, const RegionMoments& moments,
                                  const IndexOptions& o) {
  if (kind == PlaneLoss::kSoftClDice) {
    const PlaneIndex along = cl_dice(sums, o);
    const RegionIndex dice = Dice::at(Overlap::of(moments, o), o);
    return {{o.first * along.index.value + (1 - o.first) * dice.value, dice.slopes.times(1 - o.first)},
            along.slopes.times(o.first)};
  }
  if (kind == PlaneLoss::kSkeletonRecall) {
    const PlaneRatio recall = PlaneRatio::of(sums.first, sums.second, o);
    return {{recall.value, {}}, {recall.by_u, recall.by_v, 0, 0}};
  }
  // what is not a number leaves no slope of the region a number either
  return {{1 - sums.first, {}}, {-1 + 0 * sums.first, 0, 0, 0}};
}

}  // namespace cutloss::math
