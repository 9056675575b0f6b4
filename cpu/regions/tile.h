// A tile of an image in scratch: classes apart, a line of pixels each, in float. Both layouts of memory come in and go
// out here, so that everything between knows one. Pixels beyond the image's end are there to fill a vector and weigh
// nothing.
#pragma once

#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "cpu/regions/region_kernels.h"
#include "cpu/simd/portable.h"
#include "engine/region_losses.h"
#include "engine/region_targets.h"

namespace cutloss::cpu {

/// What the next tile reads, to the second-level cache: the first has little room for it beside this tile.
template <class T>
[[gnu::always_inline]] inline void prefetch_next(const T* at) {
  __builtin_prefetch(at, 0, 2);
}

template <class V>
struct RegionTile {
  using F = typename V::F;
  using I = typename V::I;
  using D = typename V::D;

  struct RowLanes {
    I pixel, label;
    F slope, slope_of_target;
  };
  static_assert(sizeof(RowLanes) <= kLaneLines * kVectorBytes);

  explicit RegionTile(const RegionStretch& stretch) : s(stretch), r(stretch.request), pitch(stretch.tiling.pixels) {
    auto* floats = static_cast<float*>(stretch.scratch);
    const auto take = [&](int64_t count) {
      floats += count;
      return floats - count;
    };
    predictions = take(pitch * r.classes);
    labels = r.soft_targets ? take(pitch * r.classes) : nullptr;
    rows = r.channels_first ? nullptr : take(pitch * r.classes + V::kLanes);
    weight = take(pitch);
    sum = take(pitch);
    scale = take(pitch);
    mean = take(pitch);
    pull = take(pitch);
    others = take(pitch);
    own = take(pitch);
    most = take(pitch);
    ids = reinterpret_cast<int32_t*>(take(pitch));
    // sums per class, in double
    floats = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(floats) + 63) & ~uintptr_t{63});
    class_sums = reinterpret_cast<D*>(floats);
    floats += r.classes * kClassLines * kVectorBytes * 2 / sizeof(float);
    class_parts = floats;
    floats += r.classes * kClassLines * kVectorBytes / sizeof(float);
    lanes = r.channels_first ? nullptr : reinterpret_cast<RowLanes*>(floats);
    floats += r.classes * kLaneLines * kVectorBytes / sizeof(float);
    slopes = floats;
    slopes_of_target = slopes + whole_fours();
  }

  /// Elements of storage before a pixel of a class, and from one class to the next.
  int64_t offset(int64_t pixel) const {
    return r.channels_first ? s.image * r.classes * r.pixels + pixel : (s.image * r.pixels + pixel) * r.classes;
  }

  int64_t whole_fours() const { return (r.classes + 3) / 4 * 4; }

  /// The first pixel and how many, and the same in whole vectors.
  void move_to(int64_t first) {
    at = first;
    count = std::min(pitch, s.last - first);
    padded = (count + V::kLanes - 1) / V::kLanes * V::kLanes;
  }

  /// Class ids (-1 where there is none) and weights. False, and the pixel, where an id is no class.
  bool load_pixels(int64_t* bad) {
    const int64_t pixel = s.image * r.pixels + at;
    const auto ignored = r.soft_targets ? std::nullopt : load_ids(pixel);
    const bool were_ones = std::exchange(ones, !r.soft_targets && !r.mask && count == padded && all_count(ignored));
    if (!ones || !were_ones) load_weights(pixel);
    return ones || r.soft_targets || judge_ids(pixel, bad, ignored);
  }

  void load_labels() {
    switch (r.targets.dtype) {
      case DType::kFloat32: return load_plane(r.targets.as<const float>(), labels);
      case DType::kFloat16: return load_plane(r.targets.as<const Half>(), labels);
      case DType::kBFloat16: return load_plane(r.targets.as<const BFloat16>(), labels);
      case DType::kInt32: return load_plane(r.targets.as<const int32_t>(), labels);
      case DType::kInt64: return load_plane(r.targets.as<const int64_t>(), labels);
      default: return load_plane(r.targets.as<const uint8_t>(), labels);
    }
  }

  template <class From>
  void load_plane(const From* image, float* plane) {
    const From* from = image + offset(at);
    if (r.channels_first) {
      for (int64_t c = 0; c < r.classes; ++c) widen(from + c * r.pixels, count, plane + c * pitch);
    } else {
      const float* rows = rows_of(image);
      const int64_t whole = count / V::kLanes * V::kLanes;
      for_each_group([&]<int kClasses>(std::integral_constant<int, kClasses>, int64_t first) {
        for (int64_t i = 0; i < whole; i += V::kLanes) {
          F v[kGroup];
          read_group<kClasses>(rows, i, first, r.classes, v);
          for (int k = 0; k < kClasses; ++k) V::store(plane + (first + k) * pitch + i, v[k]);
        }
      });
      for (int64_t i = whole; i < count; ++i) {
        for (int64_t c = 0; c < r.classes; ++c) plane[c * pitch + i] = rows[i * r.classes + c];
      }
    }
    for (int64_t c = 0; c < r.classes; ++c) std::fill(plane + c * pitch + count, plane + c * pitch + padded, 0.f);
  }

  /// The tile's pixels in floats, [count, classes], where channels come last.
  template <class From>
  const float* rows_of(const From* image) {
    const From* from = image + offset(at);
    if constexpr (std::is_same_v<From, float>) return from;
    widen(from, count * r.classes, rows);
    return rows;
  }

  static constexpr int kGroup = 4;  // classes that are turned at once

  /// work(kClasses, first) for groups of neighbouring classes: all but the last have kGroup of them.
  template <class Work>
  void for_each_group(const Work& work) const {
    int64_t c = 0;
    for (; c + kGroup <= r.classes; c += kGroup) work(std::integral_constant<int, kGroup>{}, c);
    switch (r.classes - c) {
      case 3: return work(std::integral_constant<int, 3>{}, c);
      case 2: return work(std::integral_constant<int, 2>{}, c);
      case 1: return work(std::integral_constant<int, 1>{}, c);
    }
  }

  /// From rows, [pixels, classes], to vectors of pixels from pixel i on, one for each class of a group. A group that
  /// lacks some takes them from the group before, and back the same.
  template <int kClasses>
  CUTLOSS_INLINE void read_group(const float* rows, int64_t i, int64_t first, int64_t classes, F (&v)[kGroup]) {
    const float* from = rows + i * classes + first;
    if (kClasses == kGroup) {
      V::load_fours(from, classes, v);
      V::turn_fours(v);
    } else if (classes > kGroup) {
      F all[kGroup];
      V::load_fours(from - (kGroup - kClasses), classes, all);
      V::turn_fours(all);
      for (int k = 0; k < kClasses; ++k) v[k] = all[kGroup - kClasses + k];
    } else {
      float lines[kClasses][V::kLanes];
      for (int j = 0; j < V::kLanes; ++j) {
        for (int k = 0; k < kClasses; ++k) lines[k][j] = from[j * kClasses + k];
      }
      for (int k = 0; k < kClasses; ++k) v[k] = V::load(lines[k]);
    }
  }
  /// to[i, c] = value(c)(i), by way of rows in the cache.
  template <bool kStream, class To, class Value>
  void write_rows(To* image, const Value& value) {
    const auto lines_of = [&]<int... k>(int64_t first, std::integer_sequence<int, k...>) {
      return std::array{value(first + k)...};
    };
    const int64_t classes = r.classes, end = padded;
    float* const to = rows;
    for_each_group([&]<int kClasses>(std::integral_constant<int, kClasses>, int64_t first) {
      if (classes >= kGroup) {
        const int64_t begin = std::min(first, classes - kGroup);  // what a group before wrote is written again
        const auto line = lines_of(begin, std::make_integer_sequence<int, kGroup>{});
        for (int64_t i = 0; i < end; i += V::kLanes) {
          F v[kGroup] = {line[0](i), line[1](i), line[2](i), line[3](i)};
          V::turn_fours(v);
          V::store_fours(v, to + i * classes + begin, classes);
        }
      } else {
        const auto line = lines_of(first, std::make_integer_sequence<int, kClasses>{});
        for (int64_t i = 0; i < end; i += V::kLanes) {
          float lines[kClasses][V::kLanes];
          for (int k = 0; k < kClasses; ++k) V::store(lines[k], line[k](i));
          for (int j = 0; j < V::kLanes; ++j) {
            for (int k = 0; k < kClasses; ++k) to[(i + j) * kClasses + k] = lines[k][j];
          }
        }
      }
    });
    write<kStream>(image + offset(at), count * classes, [to](int64_t i) { return V::load(to + i); });
  }

  /// rows = value(logits) for the vector of pixels from `first` on, and zeroes taken for what lies beyond the image's
  /// end. The next tile is on its way to the cache meanwhile.
  template <class From, class Value>
  CUTLOSS_INLINE void map_rows(const From* logits, float* rows, int64_t first, int64_t count, int64_t classes,
                               int64_t ahead, const Value& value) {
    const From* const from = logits + first * classes;
    float* const to = rows + first * classes;
    const int64_t end = classes * V::kLanes;
    if (first + V::kLanes <= count) {
      for (int64_t i = 0; i < end; i += V::kLanes) {
        prefetch_next(from + i + ahead);
        V::store(to + i, value(V::load(from + i)));
      }
      return;
    }
    for (int64_t i = 0; i < end; i += V::kLanes) {
      const int64_t left = std::clamp<int64_t>((count - first) * classes - i, 0, V::kLanes);
      V::store(to + i, value(left < V::kLanes ? V::load_part(from + i, left, 0.f) : V::load(from + i)));
    }
  }

  /// The same for all pixels of the tile; then(i) follows some vectors behind, whose stores have left the processor.
  template <class From, class Value, class Then>
  void map_rows(const From* image, const Value& value, const Then& then) {
    const From* const logits = image + offset(at);
    float* const to = rows;
    const int64_t all = count, end = padded, classes = r.classes, ahead = pitch * classes;
    V::store(to + end * classes, F{});  // fours of the last row may reach beyond it
    constexpr int64_t kBehind = 4 * V::kLanes;
    for (int64_t i = 0; i < end + kBehind; i += V::kLanes) {
      if (i < end) map_rows(logits, to, i, all, classes, ahead, value);
      if (i >= kBehind) then(i - kBehind);
    }
  }

  /// A tile's floats in rows, and how far on those of the next tile are, if they are still to be fetched.
  struct Rows {
    const float* first;
    int64_t ahead;
  };

  /// The numbers themselves: where memory has them so, else a copy, and zeroes beyond the image's end.
  template <class From>
  Rows whole_rows(const From* image) {
    if constexpr (std::is_same_v<From, float>) {
      if (count == padded) return {image + offset(at), pitch * r.classes};
    }
    const auto same = [](F v) { return v; };
    map_rows(image, same, [](int64_t) {});
    return {rows, 0};
  }

  /// The pixels of a vector, [kLanes, classes], are `classes` vectors of rows: of each of them, whose lanes are of
  /// which pixel and class, and with what slopes, if it is for a gradient.
  void describe_rows(const CellSlopes* cells) {
    for (int64_t c = 0; cells && c < whole_fours(); ++c) {
      slopes[c] = c < r.classes ? cells[c].b : 0;
      slopes_of_target[c] = c < r.classes ? cells[c].a + cells[c].b : 0;
    }
    int64_t k = 0;
    for (int32_t pixel = 0; pixel < V::kLanes; ++pixel) {
      for (int64_t c = 0; c < r.classes; ++c, ++k) {
        RowLanes& vector = lanes[k / V::kLanes];
        const int64_t lane = k % V::kLanes;
        vector.pixel[lane] = pixel, vector.label[lane] = int32_t(c);
        vector.slope[lane] = cells ? slopes[c] : 0;
        vector.slope_of_target[lane] = cells ? slopes_of_target[c] : 0;
      }
    }
  }

  /// to[i] = value(i), a vector from element i on; reads as far as a vector beyond the end.
  template <bool kStream, class To, class Value>
  CUTLOSS_INLINE void write(To* to, int64_t count, const Value& value) {
    const auto part = [&](int64_t i, int64_t n) {
      To whole[V::kLanes];
      V::store(whole, value(i));
      memcpy(to + i, whole, n * sizeof(To));
    };
    int64_t i = 0;
    if (kStream) {  // up to the first aligned vector
      constexpr uintptr_t kBytes = V::kLanes * sizeof(To);
      i = std::min<int64_t>(count, (kBytes - reinterpret_cast<uintptr_t>(to) % kBytes) % kBytes / sizeof(To));
      if (i > 0) part(0, i);
    }
    for (; i + V::kLanes <= count; i += V::kLanes) kStream ? V::stream(to + i, value(i)) : V::store(to + i, value(i));
    if (i < count) part(i, count - i);
  }

  const RegionStretch& s;
  const RegionsRequest& r;
  int64_t pitch, at = 0, count = 0, padded = 0;
  bool takes_rows = false, in_rows = false;                         // may predictions stay in rows; did they
  bool ones = false;                                                // do all pixels weigh 1, as far as is seen at once
  float *predictions, *labels, *rows;                               // [classes, pitch]; rows: [pitch, classes]
  float *weight, *sum, *scale, *mean, *pull, *others, *own, *most;  // [pitch]
  int32_t* ids;                                                     // [pitch]
  D* class_sums;                                                    // [classes, kClassLines, 2]
  float* class_parts;                                               // [classes, kClassLines, kLanes]
  RowLanes* lanes;                                                  // [classes], where channels come last
  float *slopes, *slopes_of_target;                                 // [whole_fours()], likewise

 private:
  void load_weights(int64_t pixel) {
    if (!r.mask) {
      std::fill_n(weight, count, 1.f);
    } else if (r.mask.dtype == DType::kFloat32) {
      std::copy_n(r.mask.as<const float>() + pixel, count, weight);
    } else {
      std::copy_n(r.mask.as<const uint8_t>() + pixel, count, weight);
    }
    std::fill(weight + count, weight + padded, 0.f);
  }

  /// Ids as they are, and which of them does not count.
  std::optional<int32_t> load_ids(int64_t pixel) {
    switch (r.targets.dtype) {
      case DType::kInt64: return load_ids(r.targets.as<const int64_t>() + pixel);
      case DType::kUint8: return load_ids(r.targets.as<const uint8_t>() + pixel);
      default: return load_ids(r.targets.as<const int32_t>() + pixel);
    }
  }
  std::optional<int32_t> load_ids(const int32_t* from) {
    for (int64_t i = 0; i < count; i += V::kLanes) prefetch_next(from + i + pitch);
    memcpy(ids, from, count * sizeof *ids);
    const bool can_occur = r.ignores && r.ignore_index == int32_t(r.ignore_index);
    return can_occur ? std::optional(int32_t(r.ignore_index)) : std::nullopt;
  }
  /// Of any type, as 32 bits say them: what is no class there is none here either.
  template <class From>
  std::optional<int32_t> load_ids(const From* from) {
    constexpr int32_t kNone = -1, kIgnored = -2;
    constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t id = from[i];
      const int32_t as_class = id >= 0 && id <= kMost ? int32_t(id) : kNone;
      ids[i] = r.ignores && id == r.ignore_index ? kIgnored : as_class;
    }
    return kIgnored;
  }

  int32_t id_end() const { return int32_t(std::min<int64_t>(r.classes, std::numeric_limits<int32_t>::max())); }

  /// Whether every id is a class that counts, by one look at the largest.
  bool all_count(std::optional<int32_t> ignored) const {
    using U = typename V::U;
    const uint32_t end = uint32_t(id_end());
    if (ignored && uint32_t(*ignored) < end) return false;
    U most = {};
    for (int64_t i = 0; i < padded; i += V::kLanes) {
      const U id = V::template load_as<U>(ids + i);
      most = id > most ? id : most;
    }
    return V::all(most < end);
  }

  /// Ids that count, and -1 where they do not, nor weigh anything. False, and the pixel, where one is no class.
  bool judge_ids(int64_t pixel, int64_t* bad, std::optional<int32_t> ignored) {
    std::fill(ids + count, ids + padded, 0);
    const int32_t end = id_end();
    const I may_be_ignored = I{} - int32_t(ignored.has_value());
    const int32_t other = ignored.value_or(0);
    I all_good = ~I{};
    for (int64_t i = 0; i < padded; i += V::kLanes) {
      const I id = V::template load_as<I>(ids + i);
      const I is_class = (id >= 0) & (id < end), is_ignored = (id == other) & may_be_ignored;
      const I counts = is_class & ~is_ignored;
      all_good &= is_class | is_ignored;
      V::store_as(ids + i, id | ~counts);
      V::store(weight + i, V::select(counts, V::load(weight + i), F{}));
    }
    std::fill(ids + count, ids + padded, -1);
    if (V::all(all_good)) return true;
    const RegionTargets targets(r);
    int64_t first = 0;
    while (first < count - 1 && targets.id(pixel + first) != RegionTargets::kBad) ++first;
    *bad = pixel + first;
    return false;
  }

  template <class From>
  static void widen(const From* from, int64_t count, float* to) {
    int64_t i = 0;
    if constexpr (std::is_integral_v<From>) {
      for (; i < count; ++i) to[i] = float(from[i]);
    } else {
      for (; i + V::kLanes <= count; i += V::kLanes) V::store(to + i, V::load(from + i));
      for (; i < count; ++i) to[i] = math::widen(from[i]);
    }
  }
};

}  // namespace cutloss::cpu
