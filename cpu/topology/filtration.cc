#include "cpu/topology/filtration.h"

#include <algorithm>
#include <cinttypes>
#include <limits>

#include "cpu/topology/poll.h"
#include "math/cubical/rank.h"
#include "math/float16.h"

namespace cutloss::cpu {
namespace {

/// Calls visit(values) with the elements as their own type.
template <class Visit>
void with_elements(const View& view, Visit&& visit) {
  switch (view.dtype) {
    case DType::kFloat32: return visit(view.as<const float>());
    case DType::kFloat16: return visit(view.as<const Half>());
    case DType::kBFloat16: return visit(view.as<const BFloat16>());
    case DType::kInt32: return visit(view.as<const int32_t>());
    case DType::kInt64: return visit(view.as<const int64_t>());
    default: return visit(view.as<const uint8_t>());
  }
}

float to_float(float x) { return x; }
float to_float(Half x) { return math::widen(x); }
float to_float(BFloat16 x) { return math::widen(x); }
template <class Integer>
float to_float(Integer x) {
  return static_cast<float>(x);
}

constexpr uint64_t kLater = uint64_t{1} << 32;

/// Keys in the order of floats.
uint64_t key_of(float value) { return kLater + math::rank_of_value(value); }
/// Keys in the order of floats that come before all others.
uint64_t early_key_of(float value) { return math::rank_of_value(value); }

// A key has 33 bits, and a place 31 because edges, two to a place at least, are numbered in 32.
constexpr int kPlaceBits = 31;
constexpr int kDigits = 3;
constexpr int kDigitBits = 11;
constexpr uint32_t kBuckets = 1u << kDigitBits;

uint32_t digit_of(uint64_t pair, int digit) { return pair >> (kPlaceBits + kDigitBits * digit) & (kBuckets - 1); }
uint32_t place_of(uint64_t pair) { return pair & ((uint64_t{1} << kPlaceBits) - 1); }

/// Calls visit(place) with every voxel.
template <int kAxes, class Visit>
void for_each_voxel(const math::Grid<kAxes>& grid, Visit&& visit) {
  for_each_row(grid, [&](uint32_t place, uint32_t, uint32_t) {
    for (uint32_t i = place; i < place + grid.extents[kAxes - 1]; ++i) visit(i);
  });
}

/// A radix sort of (key, place) pairs from the lowest digit. Digits that all keys share cost nothing: fields of two
/// values, and 16-bit ones, take a pass where others take three. Keys up to `last_of_first` are one value.
template <int kAxes, class KeyAt>
Status rank_by(const KeyAt& key_at, uint64_t last_of_first, const Cancel& cancel, Filtration<kAxes>* field) {
  const math::Grid<kAxes>& grid = field->grid;
  Buffer<uint64_t> pairs, sorted;
  CUTLOSS_TRY(pairs.allocate(grid.places));
  uint32_t starts[kDigits][kBuckets] = {};
  uint64_t* next = pairs.data();
  for_each_row(grid, [&](uint32_t place, uint32_t, uint32_t) {
    if (cancel.requested()) return;
    for (uint32_t i = place; i < place + grid.extents[kAxes - 1]; ++i) {
      const uint64_t pair = key_at(i) << kPlaceBits | i;
      for (int digit = 0; digit < kDigits; ++digit) ++starts[digit][digit_of(pair, digit)];
      *next++ = pair;
    }
  });
  if (cancel.requested()) return cancelled();
  for (int digit = 0; digit < kDigits; ++digit) {
    uint32_t* start = starts[digit];
    if (start[digit_of(pairs[0], digit)] == grid.voxels) continue;
    uint32_t sum = 0;
    for (uint32_t bucket = 0; bucket < kBuckets; ++bucket) sum += std::exchange(start[bucket], sum);
    if (!sorted) CUTLOSS_TRY(sorted.allocate(grid.places));
    for (uint32_t i = 0; i < grid.voxels; ++i) {
      if (stops_at(i, cancel)) return cancelled();
      sorted[start[digit_of(pairs[i], digit)]++] = pairs[i];
    }
    std::swap(pairs, sorted);
  }
  sorted.free();

  CUTLOSS_TRY(field->ranks.allocate(grid.places, math::kNever));
  CUTLOSS_TRY(field->order.allocate(grid.places));
  uint32_t current = 0;
  for (uint32_t i = 0; i < grid.voxels; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    const uint64_t key = pairs[i] >> kPlaceBits;
    if (i > 0 && key != pairs[i - 1] >> kPlaceBits) ++current;
    if (key < kLater) field->shared = current + 1;
    if (key <= last_of_first) field->last_of_first = current;
    field->order[i] = place_of(pairs[i]);
    field->ranks[place_of(pairs[i])] = current;
  }
  return {};
}

}  // namespace

template <int kAxes>
math::Grid<kAxes> grid_of(const FieldBatch& batch) {
  const int64_t given[3] = {batch.depth, batch.height, batch.width};
  uint32_t extents[kAxes];
  for (int axis = 0; axis < kAxes; ++axis) extents[axis] = uint32_t(given[3 - kAxes + axis] + (batch.closed ? 2 : 0));
  return math::Grid<kAxes>::of(extents);
}

template <int kAxes>
Status load(const FieldBatch& batch, const View& fields, int64_t item, bool sigmoid, const Cancel& cancel,
            Filtration<kAxes>* field) {
  const math::Grid<kAxes>& grid = field->grid = grid_of<kAxes>(batch);
  CUTLOSS_TRY(field->values.allocate(grid.places));
  float* values = field->values.data();
  const uint32_t padding = batch.closed ? 1 : 0;
  const uint32_t width = uint32_t(batch.width);
  const float sign = batch.sublevel ? 1.0f : -1.0f;
  with_elements(fields, [&](const auto* all) {
    const auto* row_values = all + item * batch.voxels();
    for_each_row(grid, [&](uint32_t place, uint32_t plane, uint32_t row) {
      const bool inside = row - padding < batch.height && (kAxes == 2 || plane - padding < batch.depth);
      if (!inside || cancel.requested()) return;
      float* to = values + place + padding;
      for (uint32_t i = 0; i < width; ++i) {
        float value = to_float(row_values[i]);
        if (sigmoid) value = float(math::sigmoid(value));
        if (batch.binary) value = value > batch.threshold;
        to[i] = value * sign;
      }
      row_values += width;
    });
  });
  if (cancel.requested()) return cancelled();
  if (!padding) return {};
  float earliest = std::numeric_limits<float>::infinity();
  for_each_row(grid, [&](uint32_t place, uint32_t plane, uint32_t row) {
    const bool inside = row - 1 < batch.height && (kAxes == 2 || plane - 1 < batch.depth);
    if (inside) earliest = std::min(earliest, *std::min_element(values + place + 1, values + place + 1 + width));
  });
  for_each_row(grid, [&](uint32_t place, uint32_t plane, uint32_t row) {
    const bool inside = row - 1 < batch.height && (kAxes == 2 || plane - 1 < batch.depth);
    values[place] = values[place + width + 1] = earliest;
    if (!inside) std::fill(values + place, values + place + width + 2, earliest);
  });
  return {};
}

template <int kAxes>
Status rank(Filtration<kAxes>* field, const Cancel& cancel) {
  const float* values = field->values.data();
  return rank_by([&](uint32_t i) { return key_of(values[i]); }, 0, cancel, field);
}

template <int kAxes>
Status rank_comparison(const Filtration<kAxes>& prediction, const Filtration<kAxes>& target, bool divided,
                       const Cancel& cancel, Filtration<kAxes>* comparison) {
  const math::Grid<kAxes>& grid = comparison->grid = prediction.grid;
  const float *first = prediction.values.data(), *second = target.values.data();
  const auto earlier = [&](uint32_t i) { return key_of(std::min(first[i], second[i])); };
  if (divided) {
    const float infinity = std::numeric_limits<float>::infinity();
    float predicted = infinity, earliest = infinity, latest = -infinity;
    for_each_voxel(grid, [&](uint32_t i) {
      predicted = std::min(predicted, first[i]);
      earliest = std::min(earliest, second[i]);
      latest = std::max(latest, second[i]);
    });
    bool two_values = true;
    for_each_voxel(grid, [&](uint32_t i) { two_values &= second[i] == earliest || second[i] == latest; });
    if (two_values && earliest <= predicted) {
      const auto target_first = [&](uint32_t i) { return second[i] == earliest ? early_key_of(first[i]) : earlier(i); };
      return rank_by(target_first, key_of(earliest), cancel, comparison);
    }
  }
  return rank_by(earlier, 0, cancel, comparison);
}

template <int kAxes>
Status rank_top_cells(const Filtration<kAxes>& field, const Cancel& cancel, Buffer<uint32_t>* ranks) {
  const math::Grid<kAxes>& grid = field.grid;
  CUTLOSS_TRY(ranks->allocate(grid.places, math::kNever));
  for_each_row(grid, [&](uint32_t place, uint32_t, uint32_t) {
    if (cancel.requested()) return;
    for (uint32_t i = place; i < place + grid.extents[kAxes - 1]; ++i) {
      (*ranks)[i] = math::TopCells<kAxes>::rank(grid, field.ranks.data(), i, 0);
    }
  });
  return cancel.requested() ? cancelled() : Status{};
}

template <int kAxes>
int32_t voxel_number(const FieldBatch& batch, const math::Grid<kAxes>& grid, uint32_t place) {
  uint32_t at[kAxes];
  grid.coordinates(place, at);
  const uint32_t padding = batch.closed ? 1 : 0;
  int64_t number = 0;
  for (int axis = 0; axis < kAxes; ++axis) {
    const uint32_t extent = grid.extents[axis] - 2 * padding;
    if (at[axis] - padding >= extent) return -1;
    number = number * extent + (at[axis] - padding);
  }
  return int32_t(number);
}

Status expect_numbers(const char* name, const FieldBatch& batch, const View& fields, const Cancel& cancel) {
  if (!is_floating(fields.dtype)) return {};
  int64_t bad = -1;
  with_elements(fields, [&](const auto* all) {
    const int64_t count = batch.items * batch.voxels();
    const auto is_nan = [](auto element) { return to_float(element) != to_float(element); };
    for (int64_t start = 0; start < count && bad < 0; start += kPoll) {
      if (cancel.requested()) return;
      const int64_t end = std::min(start + int64_t(kPoll), count);
      bool any = false;
      for (int64_t i = start; i < end; ++i) any |= is_nan(all[i]);
      if (any) bad = std::find_if(all + start, all + end, is_nan) - all;
    }
  });
  if (bad < 0) return cancel.requested() ? cancelled() : Status{};
  return failure(Code::kOption, "Expected numbers for %s but received NaN at voxel %" PRId64 " of item %" PRId64, name,
                 bad % batch.voxels(), bad / batch.voxels());
}

template math::Grid<2> grid_of<2>(const FieldBatch&);
template math::Grid<3> grid_of<3>(const FieldBatch&);
template Status load<2>(const FieldBatch&, const View&, int64_t, bool, const Cancel&, Filtration<2>*);
template Status load<3>(const FieldBatch&, const View&, int64_t, bool, const Cancel&, Filtration<3>*);
template Status rank_comparison<2>(const Filtration<2>&, const Filtration<2>&, bool, const Cancel&, Filtration<2>*);
template Status rank_comparison<3>(const Filtration<3>&, const Filtration<3>&, bool, const Cancel&, Filtration<3>*);
template Status rank<2>(Filtration<2>*, const Cancel&);
template Status rank<3>(Filtration<3>*, const Cancel&);
template Status rank_top_cells<2>(const Filtration<2>&, const Cancel&, Buffer<uint32_t>*);
template Status rank_top_cells<3>(const Filtration<3>&, const Cancel&, Buffer<uint32_t>*);
template int32_t voxel_number<2>(const FieldBatch&, const math::Grid<2>&, uint32_t);
template int32_t voxel_number<3>(const FieldBatch&, const math::Grid<3>&, uint32_t);

}  // namespace cutloss::cpu
