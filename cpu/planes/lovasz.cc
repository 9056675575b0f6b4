#include "cpu/planes/lovasz.h"

#include <atomic>
#include <cmath>
#include <utility>

#include "cpu/planes/radix_sort.h"
#include "cpu/scratch.h"
#include "cpu/workspace.h"
#include "math/regions/lovasz.h"

namespace cutloss::cpu {
namespace {

/// A chunk of sorted elements: what it changes about the sums, and then what they are where it begins.
struct Chunk {
  math::JaccardSums sums;
  double loss;
};

/// What one region is sorted in.
struct SortRoom {
  SortKey *keys, *spare;
  uint32_t* counts;
  Chunk* chunks;

  static SortRoom lay_out(Arena* arena, int64_t elements) {
    return {arena->take<SortKey>(elements), arena->take<SortKey>(elements),
            arena->take<uint32_t>(sort_counts(elements)), arena->take<Chunk>(sort_chunks(elements))};
  }
  static int64_t bytes(int64_t elements) {
    Arena arena;
    lay_out(&arena, elements);
    return arena.bytes();
  }
};

/// One region; for_each(count, task) runs its chunks.
template <class ForEach>
class LovaszRegion {
 public:
  LovaszRegion(const Planes& planes, int64_t region, SortRoom room, const ForEach& for_each)
      : planes_(planes),
        elements_(planes.region_size()),
        first_(region * elements_),
        room_(room),
        for_each_(for_each),
        weighted_(planes.weights || planes.labels || planes.class_weights) {}

  double run() {
    each_chunk([&](int64_t, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        room_.keys[i] = {std::bit_cast<uint32_t>(planes_.predictions[first_ + i]), uint32_t(i)};
      }
    });
    sorted_ = sort_by_size(room_.keys, room_.spare, room_.counts, elements_, for_each_);
    weighted_ ? take_slopes<true>() : take_slopes<false>();
    double loss = 0;
    for (int64_t chunk = 0; chunk < sort_chunks(elements_); ++chunk) loss += room_.chunks[chunk].loss;
    return loss;
  }

 private:
  struct Element {
    double pixel_weight, class_weight, y;
    double weight() const { return pixel_weight * class_weight; }
  };

  template <class Work>
  void each_chunk(const Work& work) {
    for_each_(sort_chunks(elements_),
              [&](int64_t chunk) { work(chunk, chunk * kSortChunk, std::min(elements_, (chunk + 1) * kSortChunk)); });
  }

  template <bool kWeighted>
  Element read(const SortKey& key) const {
    if (!kWeighted) return {1, 1, double(key.bits >> 31)};
    const int64_t i = key.element;
    const int64_t pixel = planes_.image_of(first_ + i) * planes_.r.pixels + i % planes_.r.pixels;
    return {planes_.weights ? planes_.weights[pixel] : 1, planes_.class_weight(first_ + i),
            planes_.labels ? planes_.labels[first_ + i] : double(key.bits >> 31)};
  }

  template <bool kWeighted>
  void take_slopes() {
    each_chunk([&](int64_t chunk, int64_t begin, int64_t end) {
      math::JaccardSums change = {};
      for (int64_t i = begin; i < end; ++i) {
        const Element e = read<kWeighted>(sorted_[i]);
        change.intersection -= e.weight() * e.y;
        change.all += e.weight() * (1 - e.y);
      }
      room_.chunks[chunk].sums = change;
    });
    math::JaccardSums sums = {};
    for (int64_t chunk = 0; chunk < sort_chunks(elements_); ++chunk) {
      sums.intersection -= room_.chunks[chunk].sums.intersection;
    }
    sums.all = sums.intersection;
    for (int64_t chunk = 0; chunk < sort_chunks(elements_); ++chunk) {
      const math::JaccardSums change = std::exchange(room_.chunks[chunk].sums, sums);
      sums.intersection += change.intersection;
      sums.all += change.all;
    }
    each_chunk([&](int64_t chunk, int64_t begin, int64_t end) {
      math::JaccardSums sums = room_.chunks[chunk].sums;
      double loss = 0;
      for (int64_t i = begin; i < end; ++i) {
        const SortKey& key = sorted_[i];
        const Element e = read<kWeighted>(key);
        const double slope = sums.join(e.weight(), e.y);
        const float difference = key.value();
        loss += e.weight() * slope * std::fabs(difference);
        const bool agrees = difference == 0 && e.y > 0 && e.y < 1;  // at 0 and at 1 there is but one side
        planes_.predictions[first_ + key.element] =
            agrees ? 0.f : std::copysign(float(slope * e.class_weight), difference);
      }
      room_.chunks[chunk].loss = loss;
    });
  }

  const Planes& planes_;
  int64_t elements_, first_;
  SortRoom room_;
  const ForEach& for_each_;
  bool weighted_;
  SortKey* sorted_ = nullptr;
};

}  // namespace

Status expect_lovasz_fits(const Planes& planes) noexcept {
  if (planes.region_size() <= INT64_C(0xffffffff)) return {};
  return failure(Code::kShape, "Expected regions of fewer than 2^32 elements for lovasz but received %lld",
                 static_cast<long long>(planes.region_size()));
}

/// Regions of a chunk are sorted side by side, each in the scratch memory of its thread; larger ones by all threads,
/// one after the other.
static bool side_by_side(const Planes& planes) { return sort_chunks(planes.region_size()) <= 1; }

int64_t lovasz_workspace(const Planes& planes) noexcept {
  return side_by_side(planes) ? 0 : SortRoom::bytes(planes.region_size());
}

Status lovasz_forward(const Planes& planes, void* workspace, ThreadPool& pool, Cancel& cancel,
                      math::PlaneSums* regions) noexcept {
  const int64_t count = planes.r.region_count(), elements = planes.region_size();
  if (elements == 0) return {};
  const auto run = [&](int64_t region, void* memory, const auto& for_each) {
    Arena arena(static_cast<char*>(memory));
    regions[region].first = LovaszRegion(planes, region, SortRoom::lay_out(&arena, elements), for_each).run();
  };
  if (!side_by_side(planes)) {
    const auto by_all = [&](int64_t tasks, const auto& task) { pool.run(tasks, [&](int64_t i) { task(i); }); };
    for (int64_t region = 0; region < count && !cancel.requested(); ++region) run(region, workspace, by_all);
    return cancel.requested() ? cancelled() : Status{};
  }
  const auto by_one = [](int64_t tasks, const auto& task) {
    for (int64_t i = 0; i < tasks; ++i) task(i);
  };
  const size_t bytes = SortRoom::bytes(elements);
  std::atomic<bool> no_memory{false};
  pool.run(count, [&](int64_t region) {
    if (cancel.requested()) return;
    if (void* memory = Scratch::of_this_thread(bytes)) {
      run(region, memory, by_one);
    } else {
      no_memory = true;
    }
  });
  if (cancel.requested()) return cancelled();
  return no_memory ? failure(Code::kMemory, "Expected %zu bytes of scratch memory", bytes) : Status{};
}

Status lovasz_backward(const Planes& planes, ThreadPool& pool, Cancel& cancel, const math::PlaneSums* slopes) noexcept {
  const int64_t elements = planes.region_size(), chunks = sort_chunks(elements);
  pool.run(planes.r.region_count() * chunks, [&](int64_t task) {
    const int64_t region = task / chunks, chunk = task % chunks;
    const float slope = float(slopes[region].first);
    float* plane = planes.predictions + region * elements;
    const int64_t end = std::min(elements, (chunk + 1) * kSortChunk);
    for (int64_t i = chunk * kSortChunk; i < end; ++i) plane[i] = slope == 0 ? 0 : plane[i] * slope;
  });
  return cancel.requested() ? cancelled() : Status{};
}

}  // namespace cutloss::cpu
