// One request: its views moved in, two kernels put on the stream, what their blocks left fetched and added up, and the
// outputs brought back if every target was good.
#include "cuda/rows/run_rows.h"

#include <memory>
#include <new>

#include "cuda/residence.h"
#include "cuda/rows/row_pass.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {
namespace {

RowPass make_pass(const RowsRequest& r, int multiprocessors) {
  RowPass pass = {};
  pass.request = r;
  pass.formula = {{static_cast<int>(r.objective), r.objective_first, r.objective_second},
                  r.label_smoothing,
                  r.z_loss,
                  static_cast<double>(r.classes)};
  pass.transform = {1 / r.temperature, r.softcap};
  pass.wants_labels = r.label_smoothing > 0 || r.probability_targets();
  pass.plain = !pass.wants_labels && r.softcap == 0 && r.temperature == 1 && !r.entropy;
  pass.tiling = tile_rows(r.rows, r.classes, static_cast<int64_t>(element_size(r.logits.dtype)), multiprocessors);
  pass.target_blocks = tile_targets(r.rows);
  return pass;
}

/// What the kernels leave for the host: the blocks' totals, then their losses.
class Leavings {
 public:
  Leavings(RowPass& pass, Device& device) : pass_(pass), device_(device) {}

  Status allocate() noexcept {
    const size_t totals_bytes = pass_.target_blocks * sizeof(TargetTotals);
    const size_t bytes = totals_bytes + pass_.tiling.blocks * sizeof(double);
    CUTLOSS_TRY(on_gpu_.allocate(device_.memory, bytes));
    pass_.target_totals = on_gpu_.as<TargetTotals>();
    pass_.losses = reinterpret_cast<double*>(on_gpu_.as<char>() + totals_bytes);
    on_host_.reset(new (std::nothrow) char[bytes]);
    return on_host_ ? Status{} : failure(Code::kMemory, "Expected %zu bytes of memory for the results of a GPU", bytes);
  }

  Status fetch(Cancel& cancel) noexcept {
    return device_.staging.download(on_host_.get(), on_gpu_.as(), on_gpu_.bytes(), cancel);
  }

  TargetTotals totals() const {
    const auto* of_blocks = reinterpret_cast<const TargetTotals*>(on_host_.get());
    TargetTotals all;
    for (int i = 0; i < pass_.target_blocks; ++i) all.add(of_blocks[i]);
    return all;
  }

  double loss() const {
    const auto* of_blocks =
        reinterpret_cast<const double*>(on_host_.get() + pass_.target_blocks * sizeof(TargetTotals));
    double sum = 0;
    for (int i = 0; i < pass_.tiling.blocks; ++i) sum += of_blocks[i];
    return sum;
  }

 private:
  RowPass& pass_;
  Device& device_;
  Scratch on_gpu_;
  std::unique_ptr<char[]> on_host_;
};

}  // namespace

Status run_rows(RowsRequest& request, Device& device, Cancel& cancel) noexcept {
  if (request.rows == 0) return {};

  RowsRequest resident = request;
  Residence residence(device, cancel);
  CUTLOSS_TRY(residence.move_in(resident));

  RowPass pass = make_pass(resident, device.multiprocessors);
  Leavings leavings(pass, device);
  CUTLOSS_TRY(leavings.allocate());
  if (cancel.requested()) return cancelled();

  Stream& stream = device.stream;
  CUTLOSS_TRY(stream.check(launch_row_targets(pass.request, pass.target_blocks, pass.target_totals, stream.handle()),
                           "check the targets"));
  CUTLOSS_TRY(stream.check(
      request.gradient ? launch_row_gradient(pass, stream.handle()) : launch_row_statistics(pass, stream.handle()),
      "compute the rows"));
  CUTLOSS_TRY(leavings.fetch(cancel));

  const TargetTotals totals = leavings.totals();
  if (totals.first_bad != TargetTotals::kNoRow) {
    return RowTargets(request).out_of_range(totals.first_bad, totals.bad_value);
  }
  CUTLOSS_TRY(residence.bring_back());
  request.counted = static_cast<double>(totals.counted);
  request.loss = leavings.loss();
  return {};
}

}  // namespace cutloss::cuda
