// A pass over a stretch that leaves planes for the losses that need them whole: probabilities, or how far each is from
// its label, and beside them, where they are asked for, labels and the weights of the pixels. What weighs nothing is 0.
#pragma once

#include "cpu/regions/predictions.h"
#include "cpu/regions/softmax.h"

namespace cutloss::cpu {

template <class V, class T>
class PlaneSweep {
 public:
  static void run(const RegionStretch& stretch, const StretchPlanes& planes) { PlaneSweep(stretch, planes).sweep(); }

 private:
  using F = typename V::F;
  using I = typename V::I;

  PlaneSweep(const RegionStretch& stretch, const StretchPlanes& planes)
      : t_(stretch), r_(stretch.request), planes_(planes) {}

  void sweep() {
    int64_t bad;  // an id that was changed since the first pass is no class, and no harm
    for (int64_t at = t_.s.first; at < t_.s.last; at += t_.pitch) {
      t_.move_to(at);
      (void)t_.load_pixels(&bad);
      if (r_.soft_targets) t_.load_labels();
      const auto activation = static_cast<Activation>(r_.activation);
      if (activation == Activation::kSoftmax) {
        softmax();
      } else {
        t_.load_plane(r_.predictions.as<const T>(), t_.predictions);
        write_predictions([&, this](int64_t c, int64_t i) {
          return predict<V>(V::load(t_.predictions + c * t_.pitch + i), activation);
        });
      }
      if (planes_.labels.first) write(planes_.labels, [&, this](int64_t c, int64_t i) { return label_at(t_, c, i); });
      if (planes_.weights) {
        t_.template write<false>(planes_.weights + at, t_.count, [&](int64_t i) { return V::load(t_.weight + i); });
      }
    }
  }

  /// With class ids, what the target lacks to 1 is the sum of the others: the difference of two numbers near 1 is lost.
  void softmax() {
    const T* image = r_.predictions.as<const T>();
    const bool by_target = planes_.differences && !r_.soft_targets;
    by_target ? TileSoftmax<V, T, true, false>::run(t_, image, nullptr)
              : TileSoftmax<V, T, false, false>::run(t_, image, nullptr);
    for (int64_t i = 0; i < t_.padded; i += V::kLanes) V::store(t_.scale + i, 1.f / V::load(t_.sum + i));
    write_predictions([&, this](int64_t c, int64_t i) {
      const F scale = V::load(t_.scale + i), p = V::load(t_.predictions + c * t_.pitch + i) * scale;
      return Prediction<V>{p, by_target ? V::load(t_.others + i) * scale : 1.f - p};
    });
  }

  template <class Predicted>
  void write_predictions(const Predicted& predicted) {
    if (!planes_.differences) {
      return write(planes_.predictions, [&](int64_t c, int64_t i) { return predicted(c, i).p; });
    }
    write(planes_.predictions, [&, this](int64_t c, int64_t i) {
      const Prediction<V> x = predicted(c, i);
      const F y = label_at(t_, c, i);
      return V::select(y == 1.f, -x.rest, x.p - y);
    });
  }

  template <class Value>
  void write(const PlaneLines& lines, const Value& value) {
    for (int64_t c = r_.first_class; c < r_.classes; ++c) {
      t_.template write<false>(lines.of(c - r_.first_class) + t_.at, t_.count, [&, this](int64_t i) {
        return V::select(V::load(t_.weight + i) == 0.f, F{}, value(c, i));
      });
    }
  }

  RegionTile<V> t_;
  const RegionsRequest& r_;
  const StretchPlanes& planes_;
};

}  // namespace cutloss::cpu
