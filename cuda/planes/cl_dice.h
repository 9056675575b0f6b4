// soft clDice: the soft skeletons of predictions and of labels (math/regions/soft_skeleton.h), sums of both, and slopes
// by the predictions. As many lines at a time as fit the room. Slopes are gathered where erosion and dilation took
// their values from, in row-major order, so that nothing is added to by two threads.
#pragma once

#include "cuda/cutter.h"
#include "cuda/planes/parts.h"
#include "math/regions/soft_skeleton.h"

namespace cutloss::cuda {

struct ClDiceRoom {
  math::PlaneShape<uint32_t> shape;
  int64_t rounds;
  int64_t lines;              // at a time
  float* eroded;              // [rounds + 1, lines, pixels]: E_1 ...
  float* skeletons;           // [rounds + 1, lines, pixels]: s_0 ...
  float* grown;               // [lines, pixels]; slopes by the skeleton so far
  float *slope, *next_slope;  // [lines, pixels]; by the level at hand and by the one that it was eroded to
  uint32_t *largest, *least;  // [lines, pixels]; where a pixel's opening and erosion are from

  static int64_t together(const RegionPlanes& planes, const RegionsRequest& request) {
    constexpr int64_t kMostFloats = int64_t{1} << 28;  // unless a line alone takes more
    return std::clamp<int64_t>(kMostFloats / (planes.pixels * (2 * request.rounds + 7)), 1, planes.lines());
  }
  static ClDiceRoom cut(Cutter* cutter, const RegionPlanes& planes, const RegionsRequest& request);
};

/// Adds up the sums of all lines.
void cl_dice_forward(Sequence& sequence, const RegionPlanes& planes, const ClDiceRoom& room, const PlaneParts& parts);
/// Leaves slopes in place of the predictions.
void cl_dice_backward(Sequence& sequence, const RegionPlanes& planes, const ClDiceRoom& room, const PlaneParts& parts,
                      const math::PlaneSums* slopes);

}  // namespace cutloss::cuda
