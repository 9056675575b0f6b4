// The cells of a grid: voxels, edges, squares, cubes. A cell is named by its base, the voxel with the least
// coordinates, and a type: of an edge the axis along which it lies, of a square in 3-D its normal axis. base * types +
// type is its number, and cells of equal value come in the order of their numbers.
//
// Everything is said about ranks: dense numbers of the values, equal for equal values. A cell appears with the last of
// its corners.
#pragma once

#include "math/cubical/grid.h"

namespace cutloss::math {

template <int kAxesOf, int kDimensionOf>
struct Cells {
  static constexpr int kAxes = kAxesOf;
  static constexpr int kDimension = kDimensionOf;
  static constexpr int kTypes = kDimension == 0 || kDimension == kAxes ? 1 : kAxes;
  static constexpr int kCorners = 1 << kAxes;  // sets of axes, axis 0 the highest bit: the larger, the further away

  /// Whether cells of a type extend along every axis of a set: whether base + offset(set) is a corner.
  CUTLOSS_HD static constexpr bool has_corner(int type, int set) {
    if (kDimension == 0) return set == 0;
    if (kDimension == kAxes) return true;
    const int own = bit(type);
    return kDimension == 1 ? (set & ~own) == 0 : (set & own) == 0;
  }
  /// Whether any type has such a corner.
  CUTLOSS_HD static constexpr bool any_has_corner(int set) {
    for (int type = 0; type < kTypes; ++type) {
      if (has_corner(type, set)) return true;
    }
    return false;
  }

  CUTLOSS_HD static uint32_t offset(const Grid<kAxes>& grid, int set) {
    uint32_t sum = 0;
    for (int axis = 0; axis < kAxes; ++axis) sum += set & bit(axis) ? grid.strides[axis] : 0;
    return sum;
  }

  CUTLOSS_HD static uint32_t rank(const Grid<kAxes>& grid, const uint32_t* ranks, uint32_t base, int type) {
    uint32_t last = 0;
    for (int set = 0; set < kCorners; ++set) {
      if (!has_corner(type, set)) continue;
      const uint32_t corner = ranks[base + offset(grid, set)];
      last = corner > last ? corner : last;
    }
    return last;
  }

  /// The voxel that stands for the cell: the corner with its rank that lies furthest from the base.
  CUTLOSS_HD static uint32_t voxel(const Grid<kAxes>& grid, const uint32_t* ranks, uint32_t base, int type) {
    const uint32_t last = rank(grid, ranks, base, type);
    for (int set = kCorners - 1; set > 0; --set) {
      if (has_corner(type, set) && ranks[base + offset(grid, set)] == last) return base + offset(grid, set);
    }
    return base;
  }

 private:
  CUTLOSS_HD static constexpr int bit(int axis) { return 1 << (kAxes - 1 - axis); }
};

template <int kAxes>
using Edges = Cells<kAxes, 1>;
/// Between top cells as edges are between voxels. In 2-D edges are walls too.
template <int kAxes>
using Walls = Cells<kAxes, kAxes - 1>;
template <int kAxes>
using TopCells = Cells<kAxes, kAxes>;

/// The axis across which a wall lies.
template <int kAxes>
CUTLOSS_HD constexpr int normal_axis(int type) {
  return kAxes == 2 ? 1 - type : type;
}

/// The numbers of the edges of a square in 3-D.
CUTLOSS_HD void edges_of_square(const Grid<3>& grid, uint32_t base, int normal, uint32_t* edges) {
  const uint32_t a = normal == 0, b = 2 - (normal == 2);  // the axes along which it extends
  edges[0] = base * 3 + a;
  edges[1] = base * 3 + b;
  edges[2] = (base + grid.strides[a]) * 3 + b;
  edges[3] = (base + grid.strides[b]) * 3 + a;
}

/// The numbers of the squares on an edge in 3-D, of which some may not be there.
CUTLOSS_HD void squares_on_edge(const Grid<3>& grid, uint32_t base, int axis, uint32_t* squares) {
  const uint32_t a = axis == 0, b = 2 - (axis == 2);  // the axes along which squares lie beside it
  squares[0] = base * 3 + a;
  squares[1] = base * 3 + b;
  squares[2] = (base - grid.strides[a]) * 3 + b;
  squares[3] = (base - grid.strides[b]) * 3 + a;
}

}  // namespace cutloss::math
