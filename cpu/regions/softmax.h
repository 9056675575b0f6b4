// Softmax of a tile's pixels: exponentials in the tile's plane, their sums beside it. Most logits need no maximum taken
// off, and without that the exponentials are both faster and more exact; whether it went well, the sums tell.
#pragma once

#include "cpu/regions/tile.h"
#include "cpu/simd/exp_float.h"

namespace cutloss::cpu {

/// With kTarget, for class ids, the target's own exponential t.own stays out of the sum t.others, so that neither is
/// lost in the other. With kSlopes, t.mean = sum e (a y + b) is added up on the way.
template <class V, class T, bool kTarget, bool kSlopes>
struct TileSoftmax {
  using Tile = RegionTile<V>;
  using F = typename V::F;
  using I = typename V::I;

  /// Whether t.own are logarithms instead, because the numbers themselves would vanish.
  static bool run(Tile& t, const T* image, const CellSlopes* slopes) {
    clear(t);
    if (t.count < t.padded) {
      t.load_plane(image, t.predictions);
      sweep(t, Lines<float>{t.predictions, t.pitch}, slopes);
    } else if (t.r.channels_first) {
      sweep(t, Lines<T>{image + t.offset(t.at), t.r.pixels}, slopes);
    } else {
      sweep(t, Rows{t.rows_of(image), t.r.classes}, slopes);
    }
    if (kTarget) find_own(t);
    if (in_range(t)) return false;

    t.load_plane(image, t.predictions);
    clear(t);
    take_off_most(t, slopes);
    return true;
  }

 private:
  static constexpr int kTogether = Tile::kGroup;            // classes
  static constexpr float kLow = 0x1p-20f, kHigh = 0x1p60f;  // ratios of numbers in between are far from every limit

  static void clear(Tile& t) {
    memset(kTarget ? t.others : t.sum, 0, t.padded * sizeof(float));
    if (kSlopes) memset(t.mean, 0, t.padded * sizeof(float));
  }

  /// What lies beside the exponentials, as it is added up: a few classes at a time, which costs and rounds less.
  class Sums {
   public:
    Sums(const Tile& t, const CellSlopes* slopes, int64_t first)
        : sums_(kTarget ? t.others : t.sum), mean_(t.mean), ids_(t.ids), first_(int32_t(first)) {
      for (int k = 0; kSlopes && k < kTogether && first + k < t.r.classes; ++k) {
        slope_[k] = V::splat(slopes[first + k].b);
        slope_of_target_[k] = V::splat(slopes[first + k].a + slopes[first + k].b);
      }
    }

    template <int kClasses>
    [[gnu::always_inline]] void add(int64_t i, const F (&e)[kTogether]) const {
      const I ids = V::template load_as<I>(ids_ + i);
      F counted[kTogether];
      for (int k = 0; k < kClasses; ++k) counted[k] = kTarget ? V::select(ids != first_ + k, e[k], F{}) : e[k];
      V::store(sums_ + i, V::load(sums_ + i) + tree<kClasses>(counted));
      if constexpr (kSlopes) {
        F parts[kTogether];
        for (int k = 0; k < kClasses; ++k) {
          parts[k] = e[k] * V::select(ids != first_ + k, slope_[k], slope_of_target_[k]);
        }
        V::store(mean_ + i, V::load(mean_ + i) + tree<kClasses>(parts));
      }
    }

   private:
    template <int kClasses>
    CUTLOSS_INLINE F tree(const F (&x)[kTogether]) {
      if constexpr (kClasses == 1) return x[0];
      if constexpr (kClasses == 2) return x[0] + x[1];
      if constexpr (kClasses == 3) return (x[0] + x[1]) + x[2];
      return (x[0] + x[1]) + (x[2] + x[3]);
    }

    float* __restrict sums_;
    float* __restrict mean_;
    const int32_t* __restrict ids_;
    int32_t first_;
    F slope_[kTogether], slope_of_target_[kTogether];
  };

  /// Logits of neighbouring pixels of a group of classes: where channels come first, a line for each class; else rows.
  template <class From>
  struct Lines {
    const From* z;
    int64_t stride;

    template <int kClasses>
    [[gnu::always_inline]] void read(int64_t first, int64_t i, int64_t ahead, F (&v)[kTogether]) const {
      for (int k = 0; k < kClasses; ++k) {
        const From* at = z + (first + k) * stride + i;
        __builtin_prefetch(at + ahead);
        v[k] = V::load(at);
      }
    }
  };
  struct Rows {
    const float* z;
    int64_t classes;

    template <int kClasses>
    [[gnu::always_inline]] void read(int64_t first, int64_t i, int64_t, F (&v)[kTogether]) const {
      Tile::template read_group<kClasses>(z, i, first, classes, v);
    }
  };

  template <class Logits>
  static void sweep(Tile& t, const Logits& logits, const CellSlopes* slopes) {
    t.for_each_group([&]<int kClasses>(std::integral_constant<int, kClasses>, int64_t first) {
      const Sums sums(t, slopes, first);
      const Logits z = logits;
      float* const to = t.predictions + first * t.pitch;
      const int64_t pitch = t.pitch, end = t.padded;
      for (int64_t i = 0; i < end; i += V::kLanes) {
        F e[kTogether];
        z.template read<kClasses>(first, i, pitch, e);
        for (int k = 0; k < kClasses; ++k) {
          e[k] = exp_float<V>(e[k]);
          V::store(to + k * pitch + i, e[k]);
        }
        sums.template add<kClasses>(i, e);
      }
    });
  }

  static void find_own(Tile& t) {
    for (int64_t i = 0; i < t.padded; ++i) t.own[i] = t.ids[i] < 0 ? 1.f : t.predictions[t.ids[i] * t.pitch + i];
    for (int64_t i = 0; i < t.padded; ++i) t.sum[i] = t.others[i] + t.own[i];
  }

  static bool in_range(const Tile& t) {
    I good = ~I{};
    for (int64_t i = 0; i < t.padded; i += V::kLanes) {
      const F sum = V::load(t.sum + i);
      good &= (sum > kLow) & (sum < kHigh);
      if (kTarget) good &= V::load(t.own + i) > 1 / kHigh;
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
    if (kTarget) {
      for (int64_t i = 0; i < t.padded; ++i) {
        t.own[i] = t.ids[i] < 0 ? 0.f : t.predictions[t.ids[i] * t.pitch + i] - t.most[i];
      }
    }
    for (int64_t c = 0; c < t.r.classes; ++c) {
      float* line = t.predictions + c * t.pitch;
      const Sums sums(t, slopes, c);
      for (int64_t i = 0; i < t.padded; i += V::kLanes) {
        const F z = V::load(line + i), most = V::load(t.most + i);
        const F d = z - most;
        const F back = d - z;
        const F rest = (z - (d - back)) - (most + back);
        const F e = exp_float<V>(d);
        const F exact = V::select(d > -200.f, e + e * rest, V::select(d <= -200.f, F{}, d));  // not-a-number stays
        const F counted = V::select(V::load(t.weight + i) == 0.f, F{}, exact);
        V::store(line + i, counted);
        sums.template add<1>(i, {counted});
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
