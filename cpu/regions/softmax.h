// Softmax of a tile's pixels: exponentials in the tile's plane, or in rows where channels come last and whoever asks
// can do with rows; their sums beside them. Most logits need no maximum taken off, and without that the exponentials
// are both faster and more exact; whether it went well, the sums tell.
#pragma once

#include "cpu/regions/tile.h"
#include "cpu/simd/exp_float.h"

namespace cutloss::cpu {

/// A few numbers, in an order that rounds less than one after the other.
template <class F, int kCount>
[[gnu::always_inline]] inline F add_up(const F (&x)[kCount]) {
  if constexpr (kCount == 1) return x[0];
  if constexpr (kCount == 2) return x[0] + x[1];
  if constexpr (kCount == 3) return (x[0] + x[1]) + x[2];
  if constexpr (kCount == 4) return (x[0] + x[1]) + (x[2] + x[3]);
}

/// With kTarget, for class ids, the target's own exponential t.own stays out of the sum t.others, so that neither is
/// lost in the other. With kSlopes, t.mean = sum e (a y + b) is added up on the way.
template <class V, class T, bool kTarget, bool kSlopes>
struct TileSoftmax {
  using Tile = RegionTile<V>;
  using F = typename V::F;
  using I = typename V::I;

  /// Whether t.own are logarithms instead, because the numbers themselves would vanish.
  static bool run(Tile& t, const T* image, const CellSlopes* slopes) {
    t.in_rows = t.takes_rows;
    clear(t);
    if (t.in_rows) {
      sweep_rows(t, image);
    } else if (t.count < t.padded || !t.r.channels_first) {
      t.load_plane(image, t.predictions);
      sweep(t, Lines<float>{t.predictions, t.pitch}, slopes);
    } else {
      sweep(t, Lines<T>{image + t.offset(t.at), t.r.pixels}, slopes);
    }
    if (kTarget) add_own(t);
    if (in_range(t)) return false;

    t.in_rows = false;
    t.load_plane(image, t.predictions);
    clear(t);
    take_off_most(t, slopes);
    return true;
  }

  /// Whether exponentials were far from every limit, which their sums tell; t.own too, with kTarget.
  CUTLOSS_INLINE I in_range(F sum, F own) {
    const I good = (sum > kLow) & (sum < kHigh);
    return kTarget ? good & (own > 1 / kHigh) : good;
  }

 private:
  static constexpr int kTogether = Tile::kGroup;            // classes
  static constexpr float kLow = 0x1p-20f, kHigh = 0x1p60f;  // ratios of numbers in between are far from every limit

  static void clear(Tile& t) {
    if (kTarget) std::fill_n(t.own, t.padded, 1.f);
    if (t.in_rows) return;
    memset(kTarget ? t.others : t.sum, 0, t.padded * sizeof(float));
    if (kSlopes) memset(t.mean, 0, t.padded * sizeof(float));
  }

  /// What lies beside the exponentials, as it is added up: a few classes at a time, which costs and rounds less.
  template <int kClasses>
  class Sums {
   public:
    Sums(const CellSlopes* slopes, int64_t first) : first_(int32_t(first)) {
      for (int k = 0; kSlopes && k < kClasses; ++k) {
        slope_[k] = V::splat(slopes[first + k].b);
        slope_of_target_[k] = V::splat(slopes[first + k].a + slopes[first + k].b);
      }
    }

    /// For a vector of pixels, whose target's own exponential may be among these and stays out of the sum.
    [[gnu::always_inline]] void add(I ids, const F (&e)[kTogether], F* sum, F* own, F* mean) const {
      F counted[kClasses], parts[kClasses];
      for (int k = 0; k < kClasses; ++k) {
        const I other = ids != first_ + k;
        counted[k] = kTarget ? V::select(other, e[k], F{}) : e[k];
        if (kTarget) *own = V::select(other, *own, e[k]);
        if (kSlopes) parts[k] = e[k] * V::select(other, slope_[k], slope_of_target_[k]);
      }
      *sum += add_up<F>(counted);
      if (kSlopes) *mean += add_up<F>(parts);
    }

    /// The same for the tile's pixels from i on.
    [[gnu::always_inline]] void add_to(const Tile& t, int64_t i, const F (&e)[kTogether]) const {
      float* const sums = (kTarget ? t.others : t.sum) + i;
      F sum = V::load(sums), own = {}, mean = {};
      if (kTarget) own = V::load(t.own + i);
      if (kSlopes) mean = V::load(t.mean + i);
      add(V::template load_as<I>(t.ids + i), e, &sum, &own, &mean);
      V::store(sums, sum);
      if (kTarget) V::store(t.own + i, own);
      if (kSlopes) V::store(t.mean + i, mean);
    }

   private:
    int32_t first_;
    F slope_[kClasses], slope_of_target_[kClasses];
  };

  /// Lines of pixels, one for each class.
  template <class From>
  struct Lines {
    const From* z;
    int64_t stride;
  };

  template <class From>
  static void sweep(Tile& t, Lines<From> from, const CellSlopes* slopes) {
    t.for_each_group([&]<int kClasses>(std::integral_constant<int, kClasses>, int64_t first) {
      const Sums<kClasses> sums(slopes, first);
      const From* const z = from.z + first * from.stride;
      float* const to = t.predictions + first * t.pitch;
      const int64_t stride = from.stride, pitch = t.pitch, end = t.padded;
      const Tile tile = t;
      for (int64_t i = 0; i < end; i += V::kLanes) {
        F e[kTogether];
        for (int k = 0; k < kClasses; ++k) {
          const From* at = z + k * stride + i;
          prefetch_next(at + pitch);
          e[k] = exp_float<V>(V::load(at));
          V::store(to + k * pitch + i, e[k]);
        }
        sums.add_to(tile, i, e);
      }
    });
  }

  /// Exponentials stay as memory has the logits.
  static void sweep_rows(Tile& t, const T* image) {
    const auto exponential = [](F z) { return exp_float<V>(z); };
    const Tile tile = t;
    t.map_rows(image, exponential, [tile](int64_t i) { add_rows(tile, i); });
  }

  /// What is added up for the pixels from i on. A four of lanes is a pixel's: its classes are added up four at a time,
  /// and the four sums, turned to their pixels, at the end.
  CUTLOSS_INLINE void add_rows(const Tile& t, int64_t i) {
    int32_t labels[V::kLanes];
    for (int lane = 0; lane < V::kLanes; ++lane) labels[lane] = lane % 4;
    I label = V::template load_as<I>(labels);
    const F ids = V::template load_as<F>(t.ids + i);
    F id[4] = {ids, ids, ids, ids}, sum[4] = {}, own[4] = {}, mean[4] = {};
    V::turn_fours(id);
    const int64_t classes = t.r.classes;
    const float* const row = t.rows + i * classes;
    const auto add = [&](int64_t first, I there) __attribute__((always_inline)) {
      F e[4];
      V::load_fours(row + first, classes, e);
      for (int k = 0; k < 4; ++k) {
        const F counted = V::select(there, e[k], F{});
        const I other = (I)id[k] != label;
        sum[k] = kTarget ? V::add_where(other, sum[k], counted) : sum[k] + counted;
        if (kTarget) own[k] = V::select(other, own[k], own[k] + counted);
        if (!kSlopes) continue;
        const F slope = V::select(other, V::repeat_four(t.slopes + first), V::repeat_four(t.slopes_of_target + first));
        mean[k] = V::multiply_add(counted, slope, mean[k]);
      }
      label += 4;
    };
    int64_t c = 0;
    for (; c + 4 <= classes; c += 4) add(c, ~I{});
    if (c < classes) add(c, label < int32_t(classes));

    const auto of_pixels = [](F(&of_four)[4]) {
      V::turn_fours(of_four);
      return add_up<F>(of_four);
    };
    V::store((kTarget ? t.others : t.sum) + i, of_pixels(sum));
    if (kTarget) V::store(t.own + i, V::select((I)ids < 0, V::splat(1.f), of_pixels(own)));
    if (kSlopes) V::store(t.mean + i, of_pixels(mean));
  }

  static void add_own(Tile& t) {
    for (int64_t i = 0; i < t.padded; i += V::kLanes) V::store(t.sum + i, V::load(t.others + i) + V::load(t.own + i));
  }

  static bool in_range(const Tile& t) {
    I good = ~I{};
    for (int64_t i = 0; i < t.padded; i += V::kLanes) {
      good &= in_range(V::load(t.sum + i), kTarget ? V::load(t.own + i) : F{});
    }
    return V::all(good);
  }

  /// exp(z - most), of the difference as it is, not as it rounds. Pixels that weigh nothing get zeroes.
  static void take_off_most(Tile& t, const CellSlopes* slopes) {
    for (int64_t i = 0; i < t.padded; i += V::kLanes) {
      F most = V::load(t.predictions + i);
      for (int64_t c = 1; c < t.r.classes; ++c) most = V::max(V::load(t.predictions + c * t.pitch + i), most);
      V::store(t.most + i, most);
    }
    for (int64_t c = 0; c < t.r.classes; ++c) {
      float* line = t.predictions + c * t.pitch;
      const Sums<1> sums(slopes, c);
      for (int64_t i = 0; i < t.padded; i += V::kLanes) {
        const F z = V::load(line + i), most = V::load(t.most + i);
        const F d = z - most;
        const F back = d - z;
        const F rest = (z - (d - back)) - (most + back);
        const F e = exp_float<V>(d);
        const F exact = V::select(d > -200.f, e + e * rest, V::select(d <= -200.f, F{}, d));  // not-a-number stays
        const F counted = V::select(V::load(t.weight + i) == 0.f, F{}, exact);
        V::store(line + i, counted);
        sums.add_to(t, i, {counted});
        if (!kTarget) continue;
        const I is_target = V::template load_as<I>(t.ids + i) == int32_t(c);
        V::store(t.own + i, V::select(is_target, d, V::load(t.own + i)));
      }
    }
    if (kTarget) {
      for (int64_t i = 0; i < t.padded; i += V::kLanes) {
        V::store(t.sum + i, V::load(t.others + i) + exp_float<V>(V::load(t.own + i)));
      }
    }
  }
};

}  // namespace cutloss::cpu
