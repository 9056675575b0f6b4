// Softmax of a tile's pixels: exponentials in its plane, their sums beside it. Most logits need no maximum taken off,
// and without that they are exponentials as soon as they are read; whether it went well, the sums tell. The target's
// own exponential stays out of the sum of the others, so that neither is lost in the other.
#pragma once

#include "cuda/regions/tile_copy.h"
#include "math/exp.h"

namespace cutloss::cuda {

/// Which slope dL/dp a plain loss has at each class, whatever the prediction.
struct PlainSlopes {
  const CellSlopes* of_class;

  __device__ float at(int c, bool target) const { return target ? of_class[c].a + of_class[c].b : of_class[c].b; }
};
struct NoSlopes {
  __device__ float at(int, bool) const { return 0; }
};

/// The exponentials of one pixel's classes.
struct PixelExponentials {
  float target;    // zero if there is none
  double others;   // sum
  double sum;      // of both
  double mean;     // sum of all times their slopes
  bool logarithm;  // some exponential would have vanished, and `own` is a logarithm
  float own;       // the target's exponential otherwise

  __device__ float minus_log_p() const {
    return math::minus_log_of_target<ScalarTerm>(own, static_cast<float>(others), logarithm);
  }
  __device__ math::PixelTerm<ScalarTerm> focal(const math::FocalOptions& o) const {
    const float all = static_cast<float>(sum), rest = static_cast<float>(others);
    return math::focal_term<ScalarTerm>(target / all, rest / all, minus_log_p(), o.gamma_positive);
  }
};

/// Of float precision; or, for a gradient of 16 bits, the hardware's own.
struct ExactTerm {
  __device__ float operator()(float z) const { return math::exp_term<ScalarTerm>(z, 0.f); }
};
struct QuickTerm {
  __device__ float operator()(float z) const { return ptx::exp2_approx(z * static_cast<float>(math::kLog2E)); }
};

template <class Variant, class Term>
class TileSoftmax {
 public:
  __device__ explicit TileSoftmax(RegionTile<Variant>& tile) : t_(tile) {}

  /// Puts exponentials where the tile's predictions are to be, and starts the memory on its way.
  __device__ void load() { load_plane<4>(t_, logits(), t_.predictions(), Term{}); }

  /// Then finish(i, exponentials) for each pixel, by one thread.
  template <class Slopes, class Finish>
  __device__ void run(const Slopes& slopes, const Finish& finish) {
    __syncthreads();
    add_up(slopes);
    __syncthreads();
    bool good = true;
    for (int i = threadIdx.x; i < t_.count; i += kRegionThreads) {
      const float e = t_.id(i) < 0 ? 0 : t_.prediction(t_.id(i), i);
      const float sum = static_cast<float>(t_.sum(i)) + e;
      t_.own(i) = e;
      t_.most(i) = 0;
      good = good && sum > kLow && sum < kHigh && (t_.id(i) < 0 || e > 1 / kHigh);
      good = good && fabsf(static_cast<float>(t_.sum_mean(i))) < INFINITY;  // large slopes of large exponentials
    }
    const bool logarithm = __syncthreads_or(!good);
    if (logarithm) take_off_most(slopes);
    for (int i = threadIdx.x; i < t_.count; i += kRegionThreads) {
      const float own = t_.own(i);
      const double others = t_.sum(i);
      const float target = t_.id(i) < 0 ? 0 : logarithm ? math::exp_term<ScalarTerm>(own, 0.f) : own;
      finish(i, PixelExponentials{target, others, others + target, t_.sum_mean(i), logarithm, own});
    }
    __syncthreads();
  }

 private:
  static constexpr float kLow = 0x1p-20f, kHigh = 0x1p60f;  // ratios of numbers in between are far from every limit

  __device__ auto* logits() const { return t_.r.predictions.template as<const typename Variant::T>(); }

  /// Of each thread's part of a pixel's classes.
  template <class Slopes>
  __device__ void add_up(const Slopes& slopes) {
    const PixelTeam& team = t_.team;
    for (int i = team.first; i < t_.count; i += team.step) {
      const int id = t_.id(i);
      double all_others = 0, all_mean = 0;
      float others = 0, mean = 0;
      t_.walk_classes(
          [&](int c) {
            const float e = t_.prediction(c, i);
            others += c == id ? 0 : e;
            mean = fmaf(e, slopes.at(c, c == id), mean);
          },
          [&] {
            all_others += others;
            all_mean += mean;
            others = mean = 0;
          });
      t_.partial(team.part, i) = all_others;
      t_.partial_mean(team.part, i) = all_mean;
    }
  }

  /// Of the logits themselves. Pixels that weigh nothing get zeroes.
  template <class Slopes>
  __device__ void take_off_most(const Slopes& slopes) {
    load_plane<1>(t_, logits(), t_.predictions(), [](float z) { return z; });
    __syncthreads();
    const PixelTeam& team = t_.team;
    for (int i = team.first; i < t_.count; i += team.step) {
      float most = -INFINITY;
      for (int c = team.part; c < t_.classes; c += team.parts) most = larger(most, t_.prediction(c, i));
      t_.partial(team.part, i) = most;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < t_.count; i += kRegionThreads) {
      float most = static_cast<float>(t_.partial(0, i));
      for (int part = 1; part < team.parts; ++part) most = larger(most, static_cast<float>(t_.partial(part, i)));
      t_.most(i) = most;
      t_.own(i) = t_.id(i) < 0 ? 0 : t_.prediction(t_.id(i), i) - most;
    }
    __syncthreads();
    for (int i = team.first; i < t_.count; i += team.step) {
      for (int c = team.part; c < t_.classes; c += team.parts) {
        float& z = t_.prediction(c, i);
        z = t_.weight(i) == 0 ? 0 : exp_below(z, t_.most(i));
      }
    }
    add_up(slopes);
    __syncthreads();
  }

  /// Not-a-number is larger than anything.
  __device__ static float larger(float a, float b) { return a > b || a != a ? a : b; }

  /// exp(z - most), of the difference as it is, not as it rounds.
  __device__ static float exp_below(float z, float most) {
    const float d = z - most, back = d - z;
    const float rest = (z - (d - back)) - (most + back);
    const float e = math::exp_term<ScalarTerm>(d, 0.f);
    return d > -200.f ? e + e * rest : d <= -200.f ? 0 : d;  // not-a-number stays
  }

  RegionTile<Variant>& t_;
};

}  // namespace cutloss::cuda
