// What one pass over the pixels leaves of a region, and what an index of overlap gives back to the pixels. With q the
// prediction (after the transform of transform.h), y the target and m the pixel's weight:
//
//   I = sum m q y   P = sum m q   Y = sum m y   A = sum m q^2   B = sum m y^2   M = sum m min(q, y)   n = sum m
//
// and, from the slopes of a loss by the moments, the gradient of each pixel: dL/dq = m (a y + b + 2 c q + d [q < y]).
// M is (P + Y - T) / 2 with T = sum m |q - y|, as overlap with soft labels is mostly written, where T would be lost to
// rounding: of a target that is hardly met, and of one that is absent.
#pragma once

#include "math/hd.h"

namespace cutloss::math {

/// Additive: the moments of two halves of a region add up to the region's.
struct RegionMoments {
  double intersection;         // I
  double predictions;          // P
  double targets;              // Y
  double predictions_squared;  // A
  double targets_squared;      // B
  double least;                // M
  double pixels;               // n

  CUTLOSS_HD void add(const RegionMoments& o, double weight = 1) {
    intersection += weight * o.intersection;
    predictions += weight * o.predictions;
    targets += weight * o.targets;
    predictions_squared += weight * o.predictions_squared;
    targets_squared += weight * o.targets_squared;
    least += weight * o.least;
    pixels += weight * o.pixels;
  }
};

/// Slopes by the moments that a prediction moves.
struct RegionSlopes {
  double intersection;         // a
  double predictions;          // b
  double predictions_squared;  // c
  double least;                // d

  CUTLOSS_HD RegionSlopes times(double factor) const {
    if (factor == 0) return {0, 0, 0, 0};  // nothing times anything is nothing
    return {factor * intersection, factor * predictions, factor * predictions_squared, factor * least};
  }
};

/// An index of overlap, which is 1 where prediction and target agree, and its slopes.
struct RegionIndex {
  double value;
  RegionSlopes slopes;
};

/// What the indices take from a loss's options.
struct IndexOptions {
  double numerator_smooth;
  double denominator_smooth;
  double first, second;  // the index's own parameters
  bool squared;          // sums of squares in the denominator
  bool l1;               // overlap is M instead of I
};

/// A linear function of the moments, as most numerators and denominators are.
struct LinearMoment {
  double value;
  RegionSlopes slopes;

  CUTLOSS_HD friend LinearMoment operator+(const LinearMoment& x, const LinearMoment& y) {
    return {x.value + y.value,
            {x.slopes.intersection + y.slopes.intersection, x.slopes.predictions + y.slopes.predictions,
             x.slopes.predictions_squared + y.slopes.predictions_squared, x.slopes.least + y.slopes.least}};
  }
  CUTLOSS_HD friend LinearMoment operator*(double factor, const LinearMoment& x) {
    return {factor * x.value, x.slopes.times(factor)};
  }
  CUTLOSS_HD friend LinearMoment operator-(const LinearMoment& x, const LinearMoment& y) { return x + -1 * y; }
  CUTLOSS_HD friend LinearMoment operator+(const LinearMoment& x, double constant) {
    return {x.value + constant, x.slopes};
  }
  CUTLOSS_HD friend LinearMoment operator*(const LinearMoment& x, const LinearMoment& y) {  // to first order
    return {x.value * y.value, (y.value * x + x.value * y).slopes};
  }
};

/// Overlap, prediction and target as the options measure them.
struct Overlap {
  LinearMoment both;        // true positives
  LinearMoment prediction;  // P, or A where squared
  LinearMoment target;      // Y, or B where squared
  LinearMoment pixels;

  CUTLOSS_HD static Overlap of(const RegionMoments& m, const IndexOptions& o) {
    const LinearMoment p = {m.predictions, {0, 1, 0, 0}}, y = {m.targets, {}};
    const LinearMoment both = o.l1 ? LinearMoment{m.least, {0, 0, 0, 1}} : LinearMoment{m.intersection, {1, 0, 0, 0}};
    const LinearMoment pixels = {m.pixels, {}};
    if (!o.squared) return {both, p, y, pixels};
    return {both, {m.predictions_squared, {0, 0, 1, 0}}, {m.targets_squared, {}}, pixels};
  }
};

/// u / v. Where there is nothing to measure, all is well: the index is 1 and does not move.
CUTLOSS_HD RegionIndex ratio(const LinearMoment& u, const LinearMoment& v) {
  if (v.value == 0) return {1, {}};
  const double index = u.value / v.value;
  return {index, (1 / v.value * (u - index * v)).slopes};
}

}  // namespace cutloss::math
