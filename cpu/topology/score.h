// What a matching is worth: Betti matching's loss, the gradient of the prediction, and the number of unmatched bars.
#pragma once

#include "cpu/topology/matching.h"

namespace cutloss::cpu {

struct Score {
  double loss = 0;
  int64_t unmatched = 0;
};

/// `slopes`, [places] and zero, receives dloss/dvalue where it is not null.
template <int kAxes>
Status score(const MatchingRequest& request, const Matching<kAxes>& matching, const Cancel& cancel, double* slopes,
             Score* sum);

/// Writes one item's gradient: its slopes times `scale`, in the caller's sign, layout and dtype.
template <int kAxes>
void write_gradient(const MatchingRequest& request, int64_t item, const math::Grid<kAxes>& grid, const double* slopes,
                    double scale);

/// Writes one field's bars of one item and dimension.
template <int kAxes>
void write_bars(const FieldBatch& batch, const BarViews& views, int64_t capacity, int64_t item, int dimension,
                const Filtration<kAxes>& field, const Bars& bars);

}  // namespace cutloss::cpu
