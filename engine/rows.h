// The request of the rows engine: a loss that is a function of each row of logits, its gradient, or both, in one pass.
//
// fields() names every field once. The binding decodes JavaScript's arguments with it, publishes the names so that
// TypeScript packs by name, and check() walks it, so adding an option is a field and a line here.
#pragma once

#include "engine/row_loss.h"

namespace cutloss {

struct RowsRequest : RowLoss {
  static constexpr const char* kName = "rows";

  View logits;                 // input, [rows, classes] row-major
  View gradient;               // output, [rows, classes]; may be the logits themselves, else must not overlap an input
  int64_t fresh_gradient = 0;  // the gradient's pages were never touched: prepare them for writing
};

template <Is<RowsRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("logits", r.logits, Accept::kFloating);
  row_loss_inputs(r, visit);

  visit.output("gradient", r.gradient, Accept::kFloating);
  row_loss_outputs(r, visit);

  row_loss_parameters(r, visit);
  visit.parameter("freshGradient", r.fresh_gradient);

  row_loss_results(r, visit);
}

/// Whether an engine may touch the memory the request names: every length, the reach of every index, no overlaps.
Status check(const RowsRequest& request) noexcept;

}  // namespace cutloss
