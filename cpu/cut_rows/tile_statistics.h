// What a tile of logits leaves behind while it is in the cache: maximum, sum of exponentials, entropy's sum, the
// labels' sum, the largest logit, all without a step across lanes. Sums over a block are in float and short; they meet
// in double.
#pragma once

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/cut_rows/cut_transform.h"
#include "math/exp.h"

namespace cutloss::cpu {

template <class V>
struct TileStatistics {
  using F = typename V::F;
  using I = typename V::I;
  static constexpr int kVectors = V::kTileVectors, kLanes = V::kLanes;
  static constexpr float kInfinity = __builtin_inff();

  static void absorb(const LogitTile& tile, const RowPartials& to) {
    if (to.best) find_largest(tile, to);

    float* z = tile.logits;
    int64_t stride = tile.stride;
    if (!tile.transform.identity) {
      z = tile.scratch;
      stride = kVectors * kLanes;
      for (int64_t i = 0; i < tile.lines; ++i) {
        Transform<V>::line(tile.transform, tile.first_class + i, tile.logits + i * tile.stride, stride, z + i * stride,
                           nullptr);
      }
    }
    if (to.labelled) add_labelled(tile, z, stride, to);

    float kept[kVectors * kLanes];  // a row has one target: there are no more of them
    for (int64_t t = 0; t < tile.target_count; ++t) {
      float* target = z + tile.targets[t].line * stride + tile.targets[t].row;
      kept[t] = *target;
      *target = -kInfinity;
    }
    for (int j = 0; j < kVectors; ++j) {
      const Column column = {
          z + j * kLanes,   stride, tile.lines, j * kLanes, tile.shares ? tile.shares + j * kLanes : nullptr,
          tile.share_stride};
      if (to.gap) {
        tile.shares ? add_softmax<true, true>(column, to) : add_softmax<true, false>(column, to);
      } else {
        tile.shares ? add_softmax<false, true>(column, to) : add_softmax<false, false>(column, to);
      }
    }
    for (int64_t t = 0; t < tile.target_count; ++t) {
      z[tile.targets[t].line * stride + tile.targets[t].row] = kept[t];
    }
  }

 private:
  /// As many rows as a vector has lanes, from row `at` of the panel.
  struct Column {
    const float* z;
    int64_t stride, lines;
    int at;
    Fraction16* shares;
    int64_t share_stride;
  };

  static F largest(const float* z, int64_t stride, int64_t lines, F most) {
    for (int64_t i = 0; i < lines; ++i) most = V::max(V::load(z + i * stride), most);
    return most;
  }

  static void add(double* to, F part) {
    alignas(64) float lanes[kLanes];
    V::store(lanes, part);
    for (int i = 0; i < kLanes; ++i) to[i] += lanes[i];
  }
  static void scale(double* to, F factor) {
    alignas(64) float lanes[kLanes];
    V::store(lanes, factor);
    for (int i = 0; i < kLanes; ++i) to[i] *= lanes[i];
  }

  template <bool kGaps, bool kShares>
  CUTLOSS_INLINE void add_softmax(const Column& column, const RowPartials& to) {
    const auto [z, stride, lines, at, shares, share_stride] = column;
    const F before = V::load(to.max + at);
    const F here = largest(z, stride, lines, V::splat(-kInfinity));
    const F most = V::max(here, before);
    if (to.block_max) V::store(to.block_max + at, here);
    F sum = {}, gap = {};
    for (int64_t i = 0; i < lines; ++i) {
      const F v = V::load(z + i * stride);
      const F e = math::exp_term<V>(v, most);
      sum += e;
      if constexpr (kShares) V::store(shares + i * share_stride, e);
      if constexpr (kGaps) gap += e * V::max(V::splat(-1400.f), v - most);
    }
    const F shrink = math::exp_term<V>(before, most);
    if constexpr (kGaps) {
      alignas(64) float moved[kLanes];
      V::store(moved, V::max(V::splat(-1400.f), before - most));
      for (int i = 0; i < kLanes; ++i) to.gap[at + i] += moved[i] * to.sum[at + i];
      scale(to.gap + at, shrink);
      add(to.gap + at, gap);
    }
    scale(to.sum + at, shrink);
    add(to.sum + at, sum);
    V::store(to.max + at, most);
  }

  /// sum w_j z_j, by what z_j goes beyond the block's largest.
  static void add_labelled(const LogitTile& tile, const float* z, int64_t stride, const RowPartials& to) {
    for (int at = 0; at < kVectors * kLanes; at += kLanes) {
      const F most = largest(z + at, stride, tile.lines, V::splat(RowPartials::kNoMax));
      F sum = {};
      double weights = 0;
      for (int64_t i = 0; i < tile.lines; ++i) {
        const float w = tile.class_weights ? tile.class_weights[tile.first_class + i] : 1;
        if (w == 0) continue;  // a masked class without a label
        sum += w * (V::load(z + i * stride + at) - most);
        weights += w;
      }
      alignas(64) float anchor[kLanes];
      V::store(anchor, most);
      add(to.labelled + at, sum);
      for (int i = 0; i < kLanes; ++i) to.labelled[at + i] += weights * anchor[i];
    }
  }

  /// The first class of the largest, before the cap, which could make equals of them; not-a-number is larger than
  /// anything.
  static void find_largest(const LogitTile& tile, const RowPartials& to) {
    const F scale = V::splat(float(tile.transform.inverse_temperature));
    for (int at = 0; at < kVectors * kLanes; at += kLanes) {
      F best = V::load(to.best + at);
      I argmax = V::template load_as<I>(to.argmax + at);
      for (int64_t i = 0; i < tile.lines; ++i) {
        const int64_t place = tile.first_class + i;
        const I id = int32_t(tile.order ? tile.order[i] : place) - I{};
        const F bias = V::splat(tile.transform.bias ? tile.transform.bias[place] : 0);
        const F v = V::multiply_add(V::load(tile.logits + i * tile.stride + at), scale, bias);
        const I larger = (~(v <= best) | ((v == best) & (id < argmax))) & (best == best);
        best = larger ? v : best;
        argmax = larger ? id : argmax;
      }
      V::store(to.best + at, best);
      V::store_as(to.argmax + at, argmax);
    }
  }
};

}  // namespace cutloss::cpu
