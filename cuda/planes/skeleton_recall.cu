#include "cuda/planes/skeleton_recall.h"

#include "cuda/planes/slice.h"
#include "cuda/planes/thinning.h"

namespace cutloss::cuda {
inline namespace in_skeleton_recall {

constexpr float kCovers = 0.5f;  // a label above it

struct Masks {
  MaskShape shape;
  SkeletonRoom room;
  int slices;  // of each image

  __device__ uint8_t* of(uint8_t* masks, int64_t image) const { return masks + image * shape.size(); }
};

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    cover_kernel(const Masks m, const RegionPlanes planes) {
  const Slice slice = Slice::of_block(planes.pixels, m.slices);
  uint8_t* mask = m.of(m.room.mask, slice.unit);
  slice.for_each([&](int64_t pixel) {
    bool covered = false;
    for (int64_t c = 0; c < planes.region_classes; ++c) {
      covered |= planes.labels[planes.line_of(slice.unit, c) * planes.pixels + pixel] > kCovers;
    }
    mask[m.shape.at(pixel)] = covered ? kThere : kEmpty;
  });
}

/// All of a launch's blocks are through with the image: what comes next, by one thread.
template <bool kFlat>
__device__ void go_on(ThinningState* image, unsigned* done) {
  const bool open = image->left > 0, was_taking = image->taking;
  image->blocks = image->left = 0;
  image->taking = open;
  if (open) return;
  image->quiet = was_taking && image->taken > 0 ? 0 : image->quiet + 1;
  image->taken = 0;
  image->step = (image->step + 1) % Thinning<kFlat>::kSteps;
  if (image->quiet < Thinning<kFlat>::kSteps) return;
  image->done = true;
  atomicAdd(done, 1u);
}

/// Marks, or takes what is marked: whatever each image is at.
template <bool kFlat>
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks) thin_kernel(const Masks m) {
  const Slice slice = Slice::of_block(m.shape.pixels(), m.slices);
  ThinningState* image = m.room.images + slice.unit;
  if (image->done) return;
  uint8_t* mask = m.of(m.room.mask, slice.unit);
  const Thinning<kFlat> thinning(m.shape, mask, image->step);
  unsigned left = 0, taken = 0;
  if (!image->taking) {
    slice.for_each([&](int64_t pixel) {
      const int64_t at = m.shape.at(pixel);
      const bool marked = thinning.may_go(at);
      mask[at] = marked ? kMarked : is_there(mask[at]) ? kThere : kEmpty;  // is as much there as before
      left += marked;
    });
  } else {
    bool moved;
    do {
      left = 0;
      moved = false;
      slice.for_each([&](int64_t pixel) {
        const int64_t at = m.shape.at(pixel);
        if (mask[at] != kMarked) return;
        const PixelState lot = thinning.lot(at);
        mask[at] = lot;
        left += lot == kMarked;
        taken += lot == kGone;
        moved |= lot != kMarked;
      });
      moved = __syncthreads_or(moved);
    } while (__syncthreads_or(left > 0) && moved);
  }
  Together together;
  left = together.sum(left);
  taken = together.sum(taken);
  if (threadIdx.x != 0) return;
  if (left > 0) atomicAdd(&image->left, left);
  if (taken > 0) atomicAdd(&image->taken, taken);
  __threadfence();
  if (atomicAdd(&image->blocks, 1u) + 1 < static_cast<unsigned>(m.slices)) return;
  __threadfence();
  go_on<kFlat>(image, m.room.done);
}

/// Everything within a step along the axes of what is there.
__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    widen_kernel(const Masks m, uint8_t* from_masks, uint8_t* to_masks) {
  const Slice slice = Slice::of_block(m.shape.pixels(), m.slices);
  const uint8_t* from = m.of(from_masks, slice.unit);
  uint8_t* to = m.of(to_masks, slice.unit);
  slice.for_each([&](int64_t pixel) {
    const int64_t at = m.shape.at(pixel), row = m.shape.row(), step = m.shape.slice();
    bool there = is_there(from[at]) || is_there(from[at - 1]) || is_there(from[at + 1]) || is_there(from[at - row]) ||
                 is_there(from[at + row]);
    if (!m.shape.flat) there = there || is_there(from[at - step]) || is_there(from[at + step]);
    to[at] = there ? kThere : kEmpty;
  });
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    tube_sums_kernel(const Masks m, uint8_t* masks, const RegionPlanes planes, const PlaneParts parts) {
  const Slice slice = Slice::of_block(planes.pixels, parts.slices);
  const PlaneLine line(planes, slice.unit);
  const uint8_t* mask = m.of(masks, planes.image_of(line.first));
  math::PlaneSums sums = {};
  slice.for_each([&](int64_t pixel) {
    float& label = line.labels[pixel];
    label = label > kCovers && is_there(mask[m.shape.at(pixel)]) ? 1.f : 0.f;
    const double found = double(line.weight(pixel)) * label;
    sums.first += found * line.predictions[pixel];
    sums.second += found;
  });
  add_part(parts, slice.unit, slice.number, sums, line.class_weight);
}

__global__ void __launch_bounds__(kBlockThreads, kResidentPlaneBlocks)
    tube_slopes_kernel(const RegionPlanes planes, int slices, const math::PlaneSums* slopes) {
  const Slice slice = Slice::of_block(planes.pixels, slices);
  const PlaneLine line(planes, slice.unit);
  const float slope = static_cast<float>(slopes[line.region].first * line.class_weight);
  slice.for_each([&](int64_t pixel) { line.predictions[pixel] = line.labels[pixel] == 0 ? 0 : slope; });
}

/// The host asks whether all is done after twice as many launches each time; what comes too many costs little.
Status thin(Sequence& sequence, const Masks& m, unsigned images) noexcept {
  constexpr int kFirstLaunches = 16, kMostLaunches = 512;
  const int blocks = static_cast<int>(images) * m.slices;
  unsigned done = 0;
  for (int launches = kFirstLaunches; done < images; launches = std::min(2 * launches, kMostLaunches)) {
    for (int k = 0; k < launches; ++k) {
      sequence.run(m.shape.flat ? thin_kernel<true> : thin_kernel<false>, blocks, Together::kSharedBytes, m);
    }
    CUTLOSS_TRY(sequence.read(m.room.done, &done));
  }
  return {};
}

}  // namespace in_skeleton_recall

SkeletonRoom SkeletonRoom::cut(Cutter* cutter, int64_t batch, const MaskShape& shape) {
  SkeletonRoom room = {};
  for (uint8_t** mask : {&room.mask, &room.other}) *mask = cutter->take<uint8_t>(batch * shape.size());
  room.images = cutter->take<ThinningState>(batch);
  room.done = cutter->take<unsigned>(1);
  return room;
}

Status skeleton_recall_forward(Sequence& sequence, const RegionPlanes& planes, const MaskShape& shape, int64_t radius,
                               SkeletonRoom room, const PlaneParts& parts, int multiprocessors) noexcept {
  const int64_t batch = planes.batch;
  const Masks m = {shape, room, slices_of(batch, planes.pixels, multiprocessors)};
  const int blocks = static_cast<int>(batch) * m.slices;
  for (uint8_t* masks : {room.mask, room.other}) sequence.fill(masks, kEmpty, batch * shape.size());
  sequence.fill(room.images, 0, batch * sizeof *room.images);
  sequence.fill(room.done, 0, sizeof *room.done);
  sequence.run(cover_kernel, blocks, 0, m, planes);
  CUTLOSS_TRY(thin(sequence, m, static_cast<unsigned>(batch)));
  uint8_t *tube = room.mask, *next = room.other;
  for (int64_t round = 0; round < radius; ++round) {
    sequence.run(widen_kernel, blocks, 0, m, tube, next);
    std::swap(tube, next);
  }
  sequence.run(tube_sums_kernel, static_cast<int>(planes.lines()) * parts.slices, Together::kSharedBytes, m, tube,
               planes, parts);
  return {};
}

void skeleton_recall_backward(Sequence& sequence, const RegionPlanes& planes, const PlaneParts& parts,
                              const math::PlaneSums* slopes) {
  sequence.run(tube_slopes_kernel, static_cast<int>(planes.lines()) * parts.slices, 0, planes, parts.slices, slopes);
}

}  // namespace cutloss::cuda
