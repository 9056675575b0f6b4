#include "cuda/planes/cl_dice.h"

#include <utility>

#include "cuda/planes/slice.h"

namespace cutloss::cuda {
inline namespace in_cl_dice {

/// Some lines that follow one another, which a launch works on side by side.
struct LineGroup {
  RegionPlanes planes;
  math::PlaneShape<uint32_t> shape;
  int64_t first;  // of the lines
  int slices;     // of each

  /// visit(pixel, line) for those of a thread: where the pixel's line begins in planes of the group.
  template <class Visit>
  __device__ void for_each(const Visit& visit) const {
    const Slice slice = Slice::of_block(planes.pixels, slices);
    const int64_t line = slice.unit * planes.pixels;
    slice.for_each([&](int64_t pixel) { visit(static_cast<uint32_t>(pixel), line); });
  }
};

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    erode_kernel(const LineGroup g, const float* from, float* to) {
  g.for_each([&](uint32_t pixel, int64_t line) {
    const float* plane = from + line;
    float least = plane[pixel];
    math::each_beside(g.shape, pixel, [&](uint32_t other) { least = plane[other] < least ? plane[other] : least; });
    to[line + pixel] = least;
  });
}

/// s_j from E_j, E_{j+1} and s_{j-1}, of which the first round has none.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    grow_kernel(const LineGroup g, const float* level, const float* next, const float* before, float* skeleton) {
  g.for_each([&](uint32_t pixel, int64_t line) {
    const float* plane = next + line;
    const int64_t at = line + pixel;
    float opening = plane[pixel];
    math::each_around(g.shape, pixel,
                      [&](uint32_t other) { opening = plane[other] > opening ? plane[other] : opening; });
    const float d = math::opened_by(level[at], opening);
    skeleton[at] = before ? math::grown_skeleton(before[at], d) : d;
  });
}

/// What a round's opening takes from the slope by s_j: the slope by d_j, and on to s_{j-1}.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    shrink_kernel(const LineGroup g, const float* level, const float* next, const float* before, float* grown,
                  float* slope, uint32_t* largest) {
  g.for_each([&](uint32_t pixel, int64_t line) {
    const int64_t at = line + pixel;
    const uint32_t from = math::largest_around(g.shape, next + line, pixel);
    const float d = math::opened_by(level[at], next[line + from]);
    const math::SkeletonSlopes by =
        before ? math::grown_skeleton_slopes(grown[at], before[at], d) : math::SkeletonSlopes{0, grown[at]};
    grown[at] = by.before;
    slope[at] = d > 0 ? by.d : 0;
    largest[at] = from;
  });
}

/// The slope by E_{j+1}: what openings took from it. And where it is from itself.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    gather_openings_kernel(const LineGroup g, const float* level, const float* slope, const uint32_t* largest,
                           float* next_slope, uint32_t* least) {
  g.for_each([&](uint32_t pixel, int64_t line) {
    least[line + pixel] = math::least_beside(g.shape, level + line, pixel);
    float all = next_slope[line + pixel];
    math::each_around(g.shape, pixel, [&](uint32_t other) {
      if (largest[line + other] == pixel) all -= slope[line + other];
    });
    next_slope[line + pixel] = all;
  });
}

/// The slope by E_j: what it gave to E_{j+1}.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    gather_erosions_kernel(const LineGroup g, const float* next_slope, const uint32_t* least, float* slope) {
  g.for_each([&](uint32_t pixel, int64_t line) {
    float all = slope[line + pixel];
    math::each_beside(g.shape, pixel, [&](uint32_t other) {
      if (least[line + other] == pixel) all += next_slope[line + other];
    });
    slope[line + pixel] = all;
  });
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    skeleton_sums_kernel(const LineGroup g, const float* skeletons, bool of_labels, const PlaneParts parts) {
  const Slice slice = Slice::of_block(g.planes.pixels, g.slices);
  const PlaneLine line(g.planes, g.first + slice.unit);
  const float* skeleton = skeletons + slice.unit * g.planes.pixels;
  const float* other = of_labels ? line.predictions : line.labels;
  double covered = 0, all = 0;
  slice.for_each([&](int64_t pixel) {
    const double grown = double(line.weight(pixel)) * skeleton[pixel];
    covered += grown * other[pixel];
    all += grown;
  });
  const math::PlaneSums sums = of_labels ? math::PlaneSums{0, 0, covered, all} : math::PlaneSums{covered, all, 0, 0};
  add_part(parts, g.first + slice.unit, slice.number, sums, line.class_weight);
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    begin_slopes_kernel(const LineGroup g, const math::PlaneSums* slopes, float* by_skeleton, float* next_slope) {
  const Slice slice = Slice::of_block(g.planes.pixels, g.slices);
  const PlaneLine line(g.planes, g.first + slice.unit);
  const math::PlaneSums by = slopes[line.region];
  const auto first = static_cast<float>(by.first * line.class_weight),
             second = static_cast<float>(by.second * line.class_weight);
  slice.for_each([&](int64_t pixel) {
    const int64_t at = slice.unit * g.planes.pixels + pixel;
    by_skeleton[at] = line.weight(pixel) * (first * line.labels[pixel] + second);
    next_slope[at] = 0;
  });
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    finish_slopes_kernel(const LineGroup g, const math::PlaneSums* slopes, const float* skeletons,
                         const float* by_plane) {
  const Slice slice = Slice::of_block(g.planes.pixels, g.slices);
  const PlaneLine line(g.planes, g.first + slice.unit);
  const auto third = static_cast<float>(slopes[line.region].third * line.class_weight);
  slice.for_each([&](int64_t pixel) {
    const int64_t at = slice.unit * g.planes.pixels + pixel;
    const float weight = line.weight(pixel);
    line.predictions[pixel] = weight == 0 ? 0 : by_plane[at] / weight + third * skeletons[at];
  });
}

/// The lines of a group, through all their rounds.
class GroupSkeletons {
 public:
  GroupSkeletons(Sequence& sequence, const ClDiceRoom& room, const LineGroup& group, int blocks)
      : sequence_(sequence), room_(room), group_(group), blocks_(blocks) {}

  /// The skeletons of planes, which backward() differentiates.
  const float* of(const float* planes) {
    planes_ = planes;
    for (int64_t j = 0; j <= room_.rounds; ++j) {
      run(erode_kernel, level(j), eroded(j + 1));
      run(grow_kernel, level(j), eroded(j + 1), before(j), skeleton(j));
    }
    return skeleton(room_.rounds);
  }

  /// From slopes by the skeletons, in room.grown, to slopes by the planes; room.next_slope is zero.
  const float* backward() {
    float *slope = room_.slope, *next_slope = room_.next_slope;
    for (int64_t j = room_.rounds; j >= 0; --j) {
      run(shrink_kernel, level(j), eroded(j + 1), before(j), room_.grown, slope, room_.largest);
      run(gather_openings_kernel, level(j), slope, room_.largest, next_slope, room_.least);
      run(gather_erosions_kernel, next_slope, room_.least, slope);
      std::swap(slope, next_slope);
    }
    return next_slope;
  }

 private:
  template <class Kernel, class... Arguments>
  void run(Kernel kernel, Arguments... arguments) {
    sequence_.run(kernel, blocks_, 0, group_, arguments...);
  }
  int64_t size() const { return room_.lines * group_.planes.pixels; }
  float* eroded(int64_t j) const { return room_.eroded + (j - 1) * size(); }
  float* skeleton(int64_t j) const { return room_.skeletons + j * size(); }
  const float* level(int64_t j) const { return j == 0 ? planes_ : eroded(j); }
  const float* before(int64_t j) const { return j == 0 ? nullptr : skeleton(j - 1); }

  Sequence& sequence_;
  const ClDiceRoom& room_;
  LineGroup group_;
  int blocks_;
  const float* planes_ = nullptr;
};

/// work(group, blocks) for all lines, some at a time.
template <class Work>
void for_each_group(const RegionPlanes& planes, const ClDiceRoom& room, const PlaneParts& parts, const Work& work) {
  for (int64_t first = 0; first < planes.lines(); first += room.lines) {
    const int64_t lines = std::min(room.lines, planes.lines() - first);
    work(LineGroup{planes, room.shape, first, parts.slices}, static_cast<int>(lines) * parts.slices);
  }
}

}  // namespace in_cl_dice

ClDiceRoom ClDiceRoom::cut(Cutter* cutter, const RegionPlanes& planes, const RegionsRequest& request) {
  ClDiceRoom room = {};
  room.shape = {static_cast<uint32_t>(std::max<int64_t>(1, request.depth)), static_cast<uint32_t>(request.height),
                static_cast<uint32_t>(request.width)};
  room.rounds = request.rounds;
  const int64_t levels = room.rounds + 1;
  room.lines = together(planes, request);
  const int64_t size = room.lines * planes.pixels;
  room.eroded = cutter->take<float>(levels * size);
  room.skeletons = cutter->take<float>(levels * size);
  for (float** plane : {&room.grown, &room.slope, &room.next_slope}) *plane = cutter->take<float>(size);
  for (uint32_t** plane : {&room.largest, &room.least}) *plane = cutter->take<uint32_t>(size);
  return room;
}

void cl_dice_forward(Sequence& sequence, const RegionPlanes& planes, const ClDiceRoom& room, const PlaneParts& parts) {
  for_each_group(planes, room, parts, [&](const LineGroup& group, int blocks) {
    GroupSkeletons skeletons(sequence, room, group, blocks);
    for (const bool of_labels : {false, true}) {
      const float* first = of_labels ? planes.labels : planes.predictions;
      sequence.run(skeleton_sums_kernel, blocks, Together::kSharedBytes, group,
                   skeletons.of(first + group.first * planes.pixels), of_labels, parts);
    }
  });
}

void cl_dice_backward(Sequence& sequence, const RegionPlanes& planes, const ClDiceRoom& room, const PlaneParts& parts,
                      const math::PlaneSums* slopes) {
  for_each_group(planes, room, parts, [&](const LineGroup& group, int blocks) {
    GroupSkeletons skeletons(sequence, room, group, blocks);
    sequence.run(begin_slopes_kernel, blocks, 0, group, slopes, room.grown, room.next_slope);
    skeletons.of(planes.predictions + group.first * planes.pixels);
    const float* by_plane = skeletons.backward();
    const float* of_labels = skeletons.of(planes.labels + group.first * planes.pixels);
    sequence.run(finish_slopes_kernel, blocks, 0, group, slopes, of_labels, by_plane);
  });
}

}  // namespace cutloss::cuda
