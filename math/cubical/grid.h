// A grid of voxels in memory with guards around: beside the last voxel of every row and plane, and before and after all
// of them, lie places whose rank is kNever. The neighbours of a voxel are thus fixed distances away and need no
// coordinates: a cell that touches a guard is one that never appears.
//
// Axis 0 is the slowest. Two axes are [height, width], three are [depth, height, width].
#pragma once

#include "math/hd.h"

namespace cutloss::math {

constexpr uint32_t kNever = 0xffffffffu;  // the rank of guards: later than every voxel

template <int kAxesOf>
struct Grid {
  static constexpr int kAxes = kAxesOf;

  uint32_t extents[kAxes];
  uint32_t strides[kAxes];
  uint32_t first;   // the place of voxel (0, 0, ...)
  uint32_t places;  // voxels and guards
  uint32_t voxels;

  CUTLOSS_HD static Grid of(const uint32_t* extents) {
    Grid g;
    g.places = 1;
    g.voxels = 1;
    for (int axis = kAxes - 1; axis >= 0; --axis) {
      g.extents[axis] = extents[axis];
      g.strides[axis] = g.places;
      g.places *= extents[axis] + (axis > 0 ? 1 : 0);
      g.voxels *= extents[axis];
    }
    g.first = 0;
    for (int axis = 0; axis < kAxes; ++axis) g.first += g.strides[axis];
    g.places += 2 * g.first;
    return g;
  }

  CUTLOSS_HD void coordinates(uint32_t place, uint32_t* at) const {
    uint32_t rest = place - first;
    for (int axis = 0; axis < kAxes; ++axis) {
      at[axis] = rest / strides[axis];
      rest %= strides[axis];
    }
  }
};

}  // namespace cutloss::math
