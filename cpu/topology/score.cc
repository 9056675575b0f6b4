#include "cpu/topology/score.h"

#include "cpu/topology/poll.h"
#include "math/cubical/matching_loss.h"
#include "math/float16.h"

namespace cutloss::cpu {

template <int kAxes>
Status score(const MatchingRequest& request, const Matching<kAxes>& matching, const Cancel& cancel, double* slopes,
             Score* sum) {
  // Values are in sublevel order: where bright is early, a bar that is there from 1 to 0 goes from -1 to 0.
  const double early = request.sublevel ? 0 : -1, late = request.sublevel ? 1 : 0;
  const auto unmatched = UnmatchedPrediction(request.unmatched_prediction);
  const bool target_counts = UnmatchedTarget(request.unmatched_target) == UnmatchedTarget::kCount;
  const float* values[2] = {matching.fields[0].values.data(), matching.fields[1].values.data()};
  const auto add = [&](Bar bar, const math::BarTerms& terms) {
    sum->loss += terms.value;
    if (!slopes) return;
    slopes[bar.birth] += terms.birth_slope;
    slopes[bar.death] += terms.death_slope;
  };
  for (int dimension = 0; dimension < kAxes; ++dimension) {
    if (!request.wants(dimension)) continue;
    const DimensionMatching& d = matching.dimensions[dimension];
    for (uint32_t i = 0; i < d.bars[0].count; ++i) {
      if (stops_at(i, cancel)) return cancelled();
      const Bar bar = d.bars[0][i];
      const double birth = values[0][bar.birth], death = values[0][bar.death];
      if (d.partner[0][i] != kNone) {
        const Bar partner = d.bars[1][d.partner[0][i]];
        add(bar, math::pull(birth, death, values[1][partner.birth], values[1][partner.death]));
        continue;
      }
      ++sum->unmatched;
      if (unmatched == UnmatchedPrediction::kDiagonal) add(bar, math::shrink(birth, death));
      if (unmatched == UnmatchedPrediction::kOneZero) add(bar, math::pull(birth, death, early, late));
    }
    for (uint32_t i = 0; i < d.bars[1].count; ++i) {
      if (stops_at(i, cancel)) return cancelled();
      if (d.partner[1][i] != kNone) continue;
      ++sum->unmatched;
      const Bar bar = d.bars[1][i];
      if (target_counts) sum->loss += math::shrink(values[1][bar.birth], values[1][bar.death]).value;
    }
  }
  return {};
}

namespace {

template <int kAxes, class T>
void write_gradient_as(const MatchingRequest& request, int64_t item, const math::Grid<kAxes>& grid,
                       const double* slopes, double scale) {
  const uint32_t padding = request.closed ? 1 : 0;
  const T* logits = request.prediction.as<const T>() + item * request.voxels();
  T* gradient = request.gradient.as<T>() + item * request.voxels();
  const double signed_scale = request.sublevel ? scale : -scale;
  for (int64_t plane = 0; plane < (kAxes == 3 ? request.depth : 1); ++plane) {
    for (int64_t row = 0; row < request.height; ++row) {
      uint32_t place = grid.first + uint32_t(row + padding) * grid.strides[kAxes - 2] + padding;
      if (kAxes == 3) place += uint32_t(plane + padding) * grid.strides[0];
      for (int64_t i = 0; i < request.width; ++i) {
        const double slope = slopes[place + i];
        double value = slope == 0 ? 0 : signed_scale * slope;  // an upstream of infinity touches bars alone
        if (request.sigmoid && value != 0) {
          const double x = math::widen(logits[i]);
          value *= math::sigmoid(x) * math::sigmoid(-x);
        }
        math::narrow(float(value), &gradient[i]);
      }
      logits += request.width;
      gradient += request.width;
    }
  }
}

}  // namespace

template <int kAxes>
void write_gradient(const MatchingRequest& request, int64_t item, const math::Grid<kAxes>& grid, const double* slopes,
                    double scale) {
  switch (request.gradient.dtype) {
    case DType::kFloat16: return write_gradient_as<kAxes, Half>(request, item, grid, slopes, scale);
    case DType::kBFloat16: return write_gradient_as<kAxes, BFloat16>(request, item, grid, slopes, scale);
    default: return write_gradient_as<kAxes, float>(request, item, grid, slopes, scale);
  }
}

template <int kAxes>
void write_bars(const FieldBatch& batch, const BarViews& views, int64_t capacity, int64_t item, int dimension,
                const Filtration<kAxes>& field, const Bars& bars) {
  const int64_t stretch = item * kAxes + dimension;
  views.counts.as<int32_t>()[stretch] = int32_t(bars.count);
  const float sign = batch.sublevel ? 1.0f : -1.0f;
  for (uint32_t i = 0; i < bars.count; ++i) {
    const int64_t at = stretch * capacity + i;
    views.birth.as<float>()[at] = sign * field.values[bars[i].birth];
    views.death.as<float>()[at] = sign * field.values[bars[i].death];
    views.birth_index.as<int32_t>()[at] = voxel_number(batch, field.grid, bars[i].birth);
    views.death_index.as<int32_t>()[at] = voxel_number(batch, field.grid, bars[i].death);
  }
}

template Status score<2>(const MatchingRequest&, const Matching<2>&, const Cancel&, double*, Score*);
template Status score<3>(const MatchingRequest&, const Matching<3>&, const Cancel&, double*, Score*);
template void write_gradient<2>(const MatchingRequest&, int64_t, const math::Grid<2>&, const double*, double);
template void write_gradient<3>(const MatchingRequest&, int64_t, const math::Grid<3>&, const double*, double);
template void write_bars<2>(const FieldBatch&, const BarViews&, int64_t, int64_t, int, const Filtration<2>&,
                            const Bars&);
template void write_bars<3>(const FieldBatch&, const BarViews&, int64_t, int64_t, int, const Filtration<3>&,
                            const Bars&);

}  // namespace cutloss::cpu
