// The statistics of a row of logits, tile by tile. Each lane keeps its own over the columns it holds; the four lanes of
// a row meet once per span of the vocabulary, and the spans' partial results in finish_rows.cu, in fixed order. The
// target stays out of maximum and sum, as everywhere (math/rows/softmax.h).
#pragma once

#include "cuda/cut_rows/logit_map.h"
#include "cuda/cut_rows/tile_maximum.h"
#include "cuda/rows/plain_row.h"
#include "math/exp.h"

namespace cutloss::cuda {

/// exp(z - reference) for z up to the reference: as exact as the logits deserve.
template <class T>
__device__ __forceinline__ float exp_term(float z, float reference) {
  return ptx::exp2_approx((z - reference) * kLog2E);
}
template <>
__device__ __forceinline__ float exp_term<float>(float z, float reference) {
  return math::exp_term<ScalarTerm>(z, reference);
}

/// One lane's part of one row.
template <class T>
class LaneStatistics {
 public:
  template <class Each>
  __device__ __forceinline__ void add(float most, const CutWants& wants, const Each& each_z) {
    if (most > part_.max) refer_to(most);
    const float reference = part_.anchor();
    float sums[2] = {}, gaps[2] = {};
    if (wants.gaps) {
      each_z([&](int k, float z) {
        const float gap = z - reference, e = exp_term<T>(z, reference);
        sums[k] += e;
        gaps[k] += e == 0 ? 0 : e * gap;
      });
    } else {
      each_z([&](int k, float z) { sums[k] += exp_term<T>(z, reference); });
    }
    grow(sums[0] + sums[1]);
    part_.gaps += gaps[0] + gaps[1];
  }

  template <class Each>
  __device__ __forceinline__ void label(const Each& each_label) {
    const float anchor = part_.anchor();
    float labels = 0, labelled = 0;
    each_label([&](float weight, float z) {
      labels += weight;
      labelled += weight == 0 ? 0 : weight * (z - anchor);
    });
    part_.labels += labels;
    part_.labelled += labelled;
  }

  /// Columns come in ascending order; none behind the last class is larger than -inf. `order`: see CutPass.
  template <class Each>
  __device__ __forceinline__ void offer(int first, const int32_t* order, const Each& each_logit) {
    int at = -1;
    each_logit([&](int column, float logit) {
      if (logit > part_.best || (logit != logit && part_.best == part_.best)) {
        part_.best = logit;
        at = column;
      }
    });
    if (at >= 0) part_.best_at = order ? order[first + at] : first + at;
    if (order && part_.best != -INFINITY) {
      each_logit([&](int column, float logit) {  // of equals the first class, wherever it stands
        const bool same = logit == part_.best || (logit != logit && part_.best != part_.best);
        if (same && order[first + column] < part_.best_at) part_.best_at = order[first + column];
      });
    }
  }

  /// Of the four lanes of the row together; the same bits in each.
  __device__ CutPartial together() {
    part_.sum -= lost_;
    const float most = across([](float a, float b) { return fmaxf(a, b); }, part_.max);
    if (most > part_.max) refer_to(most);
    const auto add = [](float a, float b) { return a + b; };
    part_.sum = across(add, part_.sum);
    part_.gaps = across(add, part_.gaps);
    part_.labels = across(add, part_.labels);
    part_.labelled = across(add, part_.labelled);
    for (int distance = 1; distance < 4; distance *= 2) {
      const float best = __shfl_xor_sync(~0u, part_.best, distance);
      part_.offer(best, __shfl_xor_sync(~0u, part_.best_at, distance));
    }
    return part_;
  }

 private:
  template <class Combine>
  __device__ static float across(const Combine& combine, float value) {
    value = combine(value, __shfl_xor_sync(~0u, value, 1));
    return combine(value, __shfl_xor_sync(~0u, value, 2));
  }

  /// Keeps what rounding takes from the sum: over a large vocabulary it would come to many units in the last place.
  __device__ __forceinline__ void grow(float by) {
    const float wanted = by - lost_, sum = part_.sum + wanted;
    lost_ = fabsf(sum) < INFINITY ? (sum - part_.sum) - wanted : 0;
    part_.sum = sum;
  }

  __device__ __forceinline__ void refer_to(float most) {
    const float gap = part_.max - most, shrink = part_.max == -INFINITY ? 0 : exp_term<T>(part_.max, most);
    part_.gaps = shrink > 0 ? (part_.gaps + gap * part_.sum) * shrink : 0;
    part_.sum *= shrink;
    lost_ *= shrink;
    part_.labelled += part_.labels * (part_.anchor() - most);
    part_.max = most;
  }

  CutPartial part_;
  float lost_ = 0;
};

/// A warp's 16 rows over the tiles of a span.
template <class T>
class WarpStatistics {
 public:
  /// The classes that this lane's two rows aim at, or less than 0.
  __device__ WarpStatistics(int target, int target_below) : targets_{target, target_below} {}

  /// The piece's first column is class `column0`. It is used up. `target_logit` is this lane's first row's place.
  __device__ __forceinline__ void fold(Piece& c, int column0, const LogitMap& map, const CutPass& pass,
                                       float* target_logit, TileMaximum& tile_most) {
    const CutWants& wants = pass.wants;
    const int first = column0 + LogitMap::first_column();
    map.apply(c, column0);
    for_each_half(
        [&](int h) { visit_element(c, h, targets_[h] - column0, [&](float& logit) { target_logit[8 * h] = logit; }); });
    if (wants.argmax) {
      for_each_half([&](int h) {
        rows_[h].offer(first, pass.order,
                       [&](const auto& visit) { each([&](int j, int e) { visit(j * 8 + e, c[j][2 * h + e]); }); });
      });
    }
    map.cap(c, column0);
    if (wants.labels) {
      for_each_half([&](int h) {
        rows_[h].label([&](const auto& visit) {
          each([&](int j, int e) { visit(map.weight(first + j * 8 + e), c[j][2 * h + e]); });
        });
      });
    }
    for_each_half([&](int h) {
      visit_element(c, h, targets_[h] - column0, [](float& z) { z = -INFINITY; });
      float most[2] = {c[0][2 * h], c[0][2 * h + 1]};
#pragma unroll
      for (int j = 1; j < kPieceBlocks; ++j) {
        most[0] = fmaxf(most[0], c[j][2 * h]);
        most[1] = fmaxf(most[1], c[j][2 * h + 1]);
      }
      tile_most.offer(h, fmaxf(most[0], most[1]));
      rows_[h].add(fmaxf(most[0], most[1]), wants,
                   [&](const auto& visit) { each([&](int j, int e) { visit(e, c[j][2 * h + e]); }); });
    });
  }

  /// Of row half h.
  __device__ CutPartial together(int h) { return rows_[h].together(); }

 private:
  template <class Visit>
  __device__ __forceinline__ static void for_each_half(const Visit& visit) {
#pragma unroll
    for (int h = 0; h < 2; ++h) visit(h);
  }

  /// visit(j, e): every column that this lane holds of a row.
  template <class Visit>
  __device__ __forceinline__ static void each(const Visit& visit) {
#pragma unroll
    for (int j = 0; j < kPieceBlocks; ++j) {
      visit(j, 0);
      visit(j, 1);
    }
  }

  int targets_[2];
  LaneStatistics<T> rows_[2];
};

}  // namespace cutloss::cuda
