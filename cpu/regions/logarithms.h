// Sums of log(1 + x) with few logarithms, and the cross-entropy of sigmoids, which is one.
#pragma once

#include "cpu/regions/predictions.h"

namespace cutloss::cpu {

/// Over two numbers the sum of log(1 + x) is log(1 + y), y = x1 + x2 + x1 x2, and y is as precise as x where both are
/// small. Of kTogether numbers one such y waits in a line that the numbers may come from.
template <class V, int kTogether>
class Products {
 public:
  using F = typename V::F;

  explicit Products(float* line) : line_(line), end_(line) {}

  [[gnu::always_inline]] void add(F x, F one_and_x) {
    together_ = V::multiply_add(together_, one_and_x, x);
    if (++count_ % kTogether == 0) keep();
  }
  F logarithms() {
    keep();
    F sum = {};
    for (const float* at = line_; at < end_; at += V::kLanes) sum += math::log_one_plus<V>(V::load(at));
    return sum;
  }

 private:
  void keep() {
    V::store(end_, together_);
    end_ += V::kLanes;
    together_ = F{};
  }

  F together_ = {};
  int count_ = 0;
  float* line_;
  float* end_;
};

/// For x = others / own of a softmax's targets.
template <class V>
using TargetProducts = Products<V, 4>;

/// sum m (log(1 + exp(-|z|)) + |z| where that is on the wrong side): of class ids, or of labels that may lie between 0
/// and 1. Where kOnes, every pixel counts once.
template <class V, bool kOnes>
class SigmoidCrossEntropy {
 public:
  using F = typename V::F;
  using I = typename V::I;

  explicit SigmoidCrossEntropy(float* line) : products_(line) {}

  /// error: z, or -z of a target.
  [[gnu::always_inline]] void add(const Sigmoid<V>& s, F error, F weight) {
    const F wrong = V::max(F{}, error);
    linear_ = kOnes ? linear_ + wrong : V::add_where(weight != 0.f, linear_, weight * wrong);
    add_logarithm(s, weight);
  }
  [[gnu::always_inline]] void add_label(const Sigmoid<V>& s, F label, F weight) {
    const F wrong = s.size * V::select(s.negative, label, 1.f - label);
    linear_ = V::add_where(weight != 0.f, linear_, weight * wrong);
    add_logarithm(s, weight);
  }
  F sum() { return linear_ + products_.logarithms(); }

 private:
  [[gnu::always_inline]] void add_logarithm(const Sigmoid<V>& s, F weight) {
    if (kOnes) return products_.add(s.e, s.all);
    const I counts = weight != 0.f;
    if (V::all(~counts | (weight == 1.f))) {
      products_.add(V::select(counts, s.e, F{}), V::select(counts, s.all, V::splat(1.f)));
    } else {
      linear_ = V::add_where(counts, linear_, weight * math::log_one_plus<V>(s.e));
    }
  }

  static constexpr int kTogether = 16;  // their product is 2^16 at most
  Products<V, kTogether> products_;
  F linear_ = {};
};

}  // namespace cutloss::cpu
