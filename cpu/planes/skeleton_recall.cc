#include "cpu/planes/skeleton_recall.h"

#include <algorithm>

#include "cpu/planes/skeletonize.h"

namespace cutloss::cpu {
namespace {

constexpr float kCovers = 0.5f;  // a label above it

Skeletonizer skeletonizer(const RegionsRequest& r, Arena* arena) {
  return Skeletonizer({std::max<int64_t>(1, r.depth), r.height, r.width}, r.depth == 0, arena);
}

/// Calls visit(pixel, element of the mask) for every pixel.
template <class Visit>
void each_pixel(const RegionsRequest& r, Skeletonizer* mask, const Visit& visit) {
  int64_t pixel = 0;
  for (int64_t z = 0; z < std::max<int64_t>(1, r.depth); ++z) {
    for (int64_t y = 0; y < r.height; ++y) {
      for (int64_t x = 0; x < r.width; ++x) visit(pixel++, mask->at(z, y, x));
    }
  }
}

}  // namespace

Rooms skeleton_recall_rooms(const Planes& planes, const ThreadPool& pool) noexcept {
  Arena arena;
  skeletonizer(planes.r, &arena);
  return Rooms::of(arena.bytes(), planes.r.batch, pool);
}

Status skeleton_recall_forward(const Planes& planes, const Rooms& rooms, ThreadPool& pool, Cancel& cancel,
                               math::PlaneSums* regions) noexcept {
  const RegionsRequest& r = planes.r;
  const int64_t classes = r.region_classes();
  CUTLOSS_TRY(rooms.for_each(planes.lines() == 0 ? 0 : r.batch, pool, cancel, [&](int64_t image, Arena arena) {
    Skeletonizer mask = skeletonizer(r, &arena);
    const PlaneLines labels = planes.lines_of(planes.labels, image);
    mask.clear();
    for (int64_t c = 0; c < classes; ++c) {
      each_pixel(r, &mask, [&](int64_t pixel, uint8_t& covered) { covered |= labels.of(c)[pixel] > kCovers; });
    }
    mask.thin();
    mask.widen(r.rounds);
    for (int64_t c = 0; c < classes; ++c) {
      const PlaneLine line(planes, planes.line_of(image, c));
      math::PlaneSums& sums = planes.sums[planes.line_of(image, c)];
      sums = {};
      each_pixel(r, &mask, [&](int64_t pixel, uint8_t tube) {
        float& label = line.labels[pixel];
        label = tube && label > kCovers ? 1.f : 0.f;
        const double found = double(line.weight(pixel)) * label;
        sums.first += found * line.predictions[pixel];
        sums.second += found;
      });
    }
  }));
  planes.add_up(regions);
  return {};
}

Status skeleton_recall_backward(const Planes& planes, ThreadPool& pool, Cancel& cancel,
                                const math::PlaneSums* slopes) noexcept {
  pool.run(planes.lines(), [&](int64_t number) {
    const PlaneLine line(planes, number);
    const float slope = float(slopes[line.region].first * line.class_weight);
    for (int64_t i = 0; i < planes.r.pixels; ++i) line.predictions[i] = line.labels[i] == 0 ? 0 : slope;
  });
  return cancel.requested() ? cancelled() : Status{};
}

}  // namespace cutloss::cpu
