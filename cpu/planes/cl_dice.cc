#include "cpu/planes/cl_dice.h"

#include <algorithm>

#include "cpu/planes/soft_skeleton.h"

namespace cutloss::cpu {
namespace {

struct Room {
  Room(const RegionsRequest& r, Arena* arena)
      : skeleton({std::max<int64_t>(1, r.depth), r.height, r.width}, r.rounds, arena),
        slopes(arena->take<float>(r.pixels)) {}

  static int64_t bytes(const RegionsRequest& r) {
    Arena arena;
    Room(r, &arena);
    return arena.bytes();
  }

  SoftSkeleton skeleton;
  float* slopes;  // [pixels]
};

math::PlaneSums sums_of(const PlaneLine& line, int64_t pixels, Room* room) {
  math::PlaneSums sums = {};
  const float* skeleton = room->skeleton.of(line.predictions);
  for (int64_t i = 0; i < pixels; ++i) {
    const double grown = double(line.weight(i)) * skeleton[i];
    sums.first += grown * line.labels[i];
    sums.second += grown;
  }
  skeleton = room->skeleton.of(line.labels);
  for (int64_t i = 0; i < pixels; ++i) {
    const double grown = double(line.weight(i)) * skeleton[i];
    sums.third += grown * line.predictions[i];
    sums.fourth += grown;
  }
  return sums;
}

/// The slopes take the place of the predictions, per weight.
void differentiate(const PlaneLine& line, const math::PlaneSums& by, int64_t pixels, Room* room) {
  const float first = float(by.first * line.class_weight), second = float(by.second * line.class_weight),
              third = float(by.third * line.class_weight);
  (void)room->skeleton.of(line.predictions);
  for (int64_t i = 0; i < pixels; ++i) room->slopes[i] = line.weight(i) * (first * line.labels[i] + second);
  room->skeleton.backward(room->slopes, room->slopes);
  const float* skeleton = room->skeleton.of(line.labels);
  for (int64_t i = 0; i < pixels; ++i) {
    const float weight = line.weight(i);
    line.predictions[i] = weight == 0 ? 0 : room->slopes[i] / weight + third * skeleton[i];
  }
}

}  // namespace

Rooms cl_dice_rooms(const Planes& planes, const ThreadPool& pool) noexcept {
  return Rooms::of(Room::bytes(planes.r), planes.lines(), pool);
}

Status cl_dice_forward(const Planes& planes, const Rooms& rooms, ThreadPool& pool, Cancel& cancel,
                       math::PlaneSums* regions) noexcept {
  CUTLOSS_TRY(rooms.for_each(planes.lines(), pool, cancel, [&](int64_t number, Arena arena) {
    Room room(planes.r, &arena);
    planes.sums[number] = sums_of(PlaneLine(planes, number), planes.r.pixels, &room);
  }));
  planes.add_up(regions);
  return {};
}

Status cl_dice_backward(const Planes& planes, const Rooms& rooms, ThreadPool& pool, Cancel& cancel,
                        const math::PlaneSums* slopes) noexcept {
  return rooms.for_each(planes.lines(), pool, cancel, [&](int64_t number, Arena arena) {
    Room room(planes.r, &arena);
    const PlaneLine line(planes, number);
    differentiate(line, slopes[line.region], planes.r.pixels, &room);
  });
}

}  // namespace cutloss::cpu
