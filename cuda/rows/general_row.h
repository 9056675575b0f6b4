// The same row in double with everything a loss may ask: temperature, softcap, class weights, label smoothing,
// probability targets, entropy. Rounded once, at the end: where smoothed labels nearly cancel the softmax, the
// difference must keep its precision, which float cannot give. That costs little where a GPU has double units for
// training (compute capability 8.0, 9.0, 10.0) and makes these options bound by arithmetic where it has few.
#pragma once

#include "cuda/rows/row_access.h"
#include "cuda/rows/row_pass.h"

namespace cutloss::cuda {

/// What a row's labels weigh and say about one class.
class RowLabels {
 public:
  __device__ RowLabels(const RowPass& pass, const void* given)
      : class_weights_(pass.request.class_weights.as<const float>()),
        given_(given),
        dtype_(pass.request.targets.dtype),
        smoothing_(pass.formula.label_smoothing),
        share_(pass.formula.label_smoothing / pass.formula.classes) {}

  /// w_j t_j
  __device__ double at(int64_t j) const {
    const double weight = class_weights_ ? class_weights_[j] : 1;
    return given_ ? weight * ((1 - smoothing_) * label(j) + share_) : weight;
  }

 private:
  __device__ double label(int64_t j) const {
    switch (dtype_) {
      case DType::kFloat16: return math::widen(static_cast<const Half*>(given_)[j]);
      case DType::kBFloat16: return math::widen(static_cast<const BFloat16*>(given_)[j]);
      default: return static_cast<const float*>(given_)[j];
    }
  }

  const float* class_weights_;
  const void* given_;
  DType dtype_;
  double smoothing_, share_;
};

/// One thread's part of the statistics, relative to the largest z it has met; labels have an anchor before that, too.
class GeneralSum {
 public:
  __device__ void add(double z) {
    if (z > max_) refer_to(z);
    if (max_ == kNothing) {
      sum_ += z != z ? z : 0;
      return;
    }
    const double gap = z - max_;
    const double e = exp(gap);
    sum_ += e;
    gaps_ += gap < -700 ? 0 : e * gap;
  }

  __device__ void add_label(double share, double z) {
    labels_ += share;
    labelled_ += share == 0 ? 0 : share * (z - anchor());
  }

  __device__ math::RowStatistics together(Team& team) {
    const double most = team.max(max_);
    if (max_ != kNothing) refer_to(most);
    const double labelled = labelled_ + labels_ * (anchor() - (most == kNothing ? 0 : most));
    return {most, team.sum(sum_), team.sum(gaps_), team.sum(labels_), team.sum(labelled)};
  }

 private:
  __device__ double anchor() const { return max_ == kNothing ? 0 : max_; }

  __device__ void refer_to(double most) {
    const double gap = max_ - most, shrink = exp(gap);
    gaps_ = shrink > 0 ? (gaps_ + gap * sum_) * shrink : 0;
    sum_ *= shrink;
    labelled_ += labels_ * (anchor() - most);
    max_ = most;
  }

  static constexpr double kNothing = -INFINITY;
  double max_ = kNothing, sum_ = 0, gaps_ = 0;
  double labels_ = 0, labelled_ = 0;
};

template <class T>
__device__ math::RowStatistics general_statistics(const T* row, int64_t count, int64_t target, const void* given,
                                                  const RowPass& pass, Team& team) {
  const RowLabels labels(pass, given);
  GeneralSum sum;
  for (int64_t at = team.rank(); at < count; at += team.size()) {
    const double z = pass.transform.at(math::widen(row[at])).z;
    if (at != target) sum.add(z);
    if (pass.wants_labels) sum.add_label(labels.at(at), z);
  }
  return sum.together(team);
}

/// The whole row, the target's element included.
template <class T>
__device__ void general_gradient(const T* row, T* gradient, int64_t count, int64_t target, const void* given,
                                 const math::RowOutcome& outcome, const RowPass& pass, const Team& team) {
  const RowLabels labels(pass, given);
  for (int64_t at = team.rank(); at < count; at += team.size()) {
    const math::LogitTransform::Result t = pass.transform.at(math::widen(row[at]));
    double dz = outcome.target;
    if (at != target) {
      dz = outcome.softmax * exp((t.z - outcome.lse.anchor) - outcome.lse.excess);
      if (pass.wants_labels) dz -= outcome.labels * labels.at(at);
    }
    math::narrow(static_cast<float>(dz * t.slope), gradient + at);
  }
}

}  // namespace cutloss::cuda
