// Softmax of two to four classes in registers: from logits to what is made of them, and nothing per pixel and class
// goes by way of memory but the gradient. Only whole vectors of pixels do, and of pixel by pixel only four classes,
// whose vectors turn where they are; their pixels come in another order then, which ids and weights follow.
#pragma once

#include "cpu/regions/tile.h"
#include "cpu/simd/exp_float.h"

namespace cutloss::cpu {

template <class V, class T, int kClasses, bool kChannelsFirst>
class FewClasses {
 public:
  using Tile = RegionTile<V>;
  using F = typename V::F;
  using I = typename V::I;

  explicit FewClasses(Tile& t)
      : t_(t),
        logits_(t.r.predictions.template as<const T>() + t.offset(t.at)),
        stride_(t.r.pixels),
        pitch_(t.pitch),
        buffer_(t.predictions) {
    if (!kChannelsFirst) turn_pixels();
  }

  /// Of the pixels from i on.
  [[gnu::always_inline]] void exponentials(int64_t i, F (&e)[kClasses]) const {
    if (kChannelsFirst) {
      for (int k = 0; k < kClasses; ++k) e[k] = exponential(logits_ + k * stride_ + i, pitch_);
    } else {
      for (int k = 0; k < kClasses; ++k) e[k] = exponential(logits_ + i * kClasses + k * V::kLanes, pitch_ * kClasses);
      turn(e);
    }
  }

  /// The gradient of the pixels from i on stays in the cache until write().
  [[gnu::always_inline]] void keep(int64_t i, F (&gradient)[kClasses]) const {
    if (kChannelsFirst) {
      for (int k = 0; k < kClasses; ++k) V::store(buffer_ + k * pitch_ + i, gradient[k]);
    } else {
      turn(gradient);
      for (int k = 0; k < kClasses; ++k) V::store(buffer_ + i * kClasses + k * V::kLanes, gradient[k]);
    }
  }

  template <bool kStream>
  void write() const {
    T* const image = t_.r.gradient.template as<T>() + t_.offset(t_.at);
    const int64_t lines = kChannelsFirst ? kClasses : 1, width = kChannelsFirst ? 1 : kClasses;
    for (int64_t c = 0; c < lines; ++c) {
      t_.template write<kStream>(image + c * stride_, t_.count * width,
                                 [line = buffer_ + c * pitch_](int64_t i) { return V::load(line + i); });
    }
  }

 private:
  static F exponential(const T* at, int64_t ahead) {
    prefetch_next(at + ahead);
    return exp_float<V>(V::load(at));
  }

  static void turn(F (&v)[kClasses]) {
    if constexpr (kClasses == 4) V::turn_fours(v);
  }

  /// Lane 4l + j of turned vectors is the l-th pixel of vector j.
  void turn_pixels() {
    int32_t lanes[V::kLanes];
    for (int i = 0; i < V::kLanes; ++i) lanes[i] = i % 4 * (V::kLanes / 4) + i / 4;
    const I order = V::template load_as<I>(lanes);
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) {
      if (!t_.ones) V::store(t_.weight + i, V::rearrange(V::load(t_.weight + i), order));
      V::store_as(t_.ids + i, V::rearrange(V::template load_as<F>(t_.ids + i), order));
    }
  }

  Tile& t_;
  const T* logits_;
  int64_t stride_, pitch_;
  float* buffer_;
};

/// work(few, classes) where such a tile's softmax stays in registers: whether it did, which work says. Where not,
/// pixels are as before.
template <class T, class V, class Work>
bool try_few_classes(RegionTile<V>& t, const Work& work) {
  const auto attempt = [&]<int kClasses, bool kChannelsFirst>() {
    const bool done = work(FewClasses<V, T, kClasses, kChannelsFirst>(t), std::integral_constant<int, kClasses>{});
    int64_t bad;
    if (!done && !kChannelsFirst) (void)t.load_pixels(&bad);  // their order was another
    return done;
  };
  if (t.count < t.padded) return false;
  if (!t.r.channels_first) return t.r.classes == 4 && attempt.template operator()<4, false>();
  switch (t.r.classes) {
    case 2: return attempt.template operator()<2, true>();
    case 3: return attempt.template operator()<3, true>();
    case 4: return attempt.template operator()<4, true>();
  }
  return false;
}

}  // namespace cutloss::cpu
