#include "cuda/topology/loops_on_cpu.h"

#include <chrono>
#include <cstring>
#include <new>

namespace cutloss::cuda {
namespace {

struct DropOutputs {
  void input(const char*, View&, Accept) {}
  void output(const char*, View& view, Accept) { view = {}; }
  template <class T>
  void parameter(const char*, const T&) {}
  template <class T>
  void result(const char*, const T&) {}
};

template <class T>
View view_of(T* data, int64_t size, DType dtype) {
  View view;
  view.data = data;
  view.size = size;
  view.dtype = dtype;
  view.given = true;
  return view;
}

Status no_memory() { return failure(Code::kMemory, "Expected memory for the bars of loops beside a GPU"); }

}  // namespace

bool LoopsOnCpu::HostBars::allocate(const FieldBatch& batch, int64_t capacity) {
  const size_t all = static_cast<size_t>(batch.items * batch.axes * capacity);
  birth.reset(new (std::nothrow) float[all]);
  death.reset(new (std::nothrow) float[all]);
  birth_index.reset(new (std::nothrow) int32_t[all]);
  death_index.reset(new (std::nothrow) int32_t[all]);
  counts.reset(new (std::nothrow) int32_t[static_cast<size_t>(batch.items * batch.axes)]);
  return birth && death && birth_index && death_index && counts;
}

BarViews LoopsOnCpu::HostBars::views(const FieldBatch& batch, int64_t capacity) const {
  const int64_t stretches = batch.items * batch.axes, all = stretches * capacity;
  return {view_of(birth.get(), all, DType::kFloat32), view_of(death.get(), all, DType::kFloat32),
          view_of(birth_index.get(), all, DType::kInt32), view_of(death_index.get(), all, DType::kInt32),
          view_of(counts.get(), stretches, DType::kInt32)};
}

Status LoopsOnCpu::lend_bars(PersistenceRequest& r) noexcept {
  if (!bars_[0].allocate(r, capacity_)) return no_memory();
  r.bars = bars_[0].views(r, capacity_);
  return {};
}

Status LoopsOnCpu::lend_bars(MatchingRequest& r) noexcept {
  const int64_t all = r.items * r.axes * capacity_;
  partner_.reset(new (std::nothrow) int32_t[static_cast<size_t>(all)]);
  if (!partner_ || !bars_[0].allocate(r, capacity_) || !bars_[1].allocate(r, capacity_)) return no_memory();
  r.prediction_bars = bars_[0].views(r, capacity_);
  r.target_bars = bars_[1].views(r, capacity_);
  r.partner = view_of(partner_.get(), all, DType::kInt32);
  r.prepared = {};  // for all dimensions, and this is one
  r.upstream = {};
  return {};
}

template <class Request>
Status LoopsOnCpu::start(const Request& request) noexcept {
  Request own = request;
  own.dimensions = 1 << kLoops;
  own.capacity = capacity_ = most_bars(own);
  fields(own, DropOutputs{});
  CUTLOSS_TRY(guests_.take_in(own));
  CUTLOSS_TRY(lend_bars(own));
  if constexpr (requires { own.gradient; }) {
    sums_.reset(new (std::nothrow) ItemSums[own.items]());
    if (request.gradient) slopes_.reset(new (std::nothrow) double[own.items * own.voxels()]());
    if (!sums_ || (request.gradient && !slopes_)) return no_memory();
  }
  request_ = own;
  started_ = true;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    run();  // no thread, or no memory for one: one after the other
  }
  return {};
}
template Status LoopsOnCpu::start(const PersistenceRequest&) noexcept;
template Status LoopsOnCpu::start(const MatchingRequest&) noexcept;

void LoopsOnCpu::run() noexcept {
  if (at_loops_) at_loops_();
  result_ = cpu_engine().run(request_, own_cancel_);
  if (const auto* matching = std::get_if<MatchingRequest>(&request_); matching && result_.ok()) {
    result_ = score(*matching);
  }
  done_ = true;
}

Status LoopsOnCpu::join() noexcept {
  while (thread_.joinable() && !done_) {
    if (cancel_.requested()) own_cancel_.request();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (thread_.joinable()) thread_.join();
  return result_;
}

Status LoopsOnCpu::score(const MatchingRequest& r) noexcept {
  const double sign = r.sublevel ? 1 : -1;
  const auto counts_target = UnmatchedTarget(r.unmatched_target) == UnmatchedTarget::kCount;
  for (int64_t item = 0; item < r.items; ++item) {
    if (own_cancel_.requested()) return cancelled();
    const int64_t stretch = item * r.axes + kLoops, first = stretch * capacity_;
    const auto ends = [&](int side, int64_t i) {
      return BarValues{sign * bars_[side].birth[first + i], sign * bars_[side].death[first + i]};
    };
    ItemSums& sums = sums_[item];
    int64_t matched = 0;
    for (int64_t i = 0; i < bars_[0].counts[stretch]; ++i) {
      const int32_t mate = partner_[first + i];
      const BarValues own = ends(0, i);
      math::BarTerms terms;
      if (mate < 0) {
        terms = terms_of_unmatched(r, own);
      } else {
        const BarValues other = ends(1, mate);
        terms = math::pull(own.birth, own.death, other.birth, other.death);
        ++matched;
      }
      sums.loss += terms.value;
      if (!slopes_) continue;
      const int64_t voxels = item * r.voxels();
      const int32_t birth = bars_[0].birth_index[first + i], death = bars_[0].death_index[first + i];
      if (birth >= 0) slopes_[voxels + birth] += terms.birth_slope;
      if (death >= 0) slopes_[voxels + death] += terms.death_slope;
    }
    sums.unmatched = bars_[0].counts[stretch] + bars_[1].counts[stretch] - 2 * matched;
    if (!counts_target) continue;
    const std::unique_ptr<bool[]> has_mate(new (std::nothrow) bool[bars_[1].counts[stretch]]());
    if (!has_mate) return no_memory();
    for (int64_t i = 0; i < bars_[0].counts[stretch]; ++i) {
      if (partner_[first + i] >= 0) has_mate[partner_[first + i]] = true;
    }
    for (int64_t i = 0; i < bars_[1].counts[stretch]; ++i) {
      const BarValues values = ends(1, i);
      if (!has_mate[i]) sums.loss += math::shrink(values.birth, values.death).value;
    }
  }
  return {};
}

/// `count` elements of four bytes, as all of these are.
Status LoopsOnCpu::put(const View& view, int64_t at, const void* from, int64_t count) noexcept {
  if (count == 0) return {};
  int32_t* to = view.as<int32_t>() + at;
  const size_t bytes = static_cast<size_t>(count) * sizeof *to;
  if (view.device != kHost) return device_.staging.upload(to, from, bytes, cancel_);
  std::memcpy(to, from, bytes);
  return {};
}

Status LoopsOnCpu::put_bars(const FieldBatch& batch, const BarViews& to, int64_t capacity,
                            const HostBars& from) noexcept {
  if (!to.counts) return {};
  for (int64_t item = 0; item < batch.items; ++item) {
    const int64_t stretch = item * batch.axes + kLoops, there = stretch * capacity, here = stretch * capacity_;
    const int32_t count = from.counts[stretch];
    CUTLOSS_TRY(put(to.counts, stretch, &count, 1));
    CUTLOSS_TRY(put(to.birth, there, &from.birth[here], count));
    CUTLOSS_TRY(put(to.death, there, &from.death[here], count));
    CUTLOSS_TRY(put(to.birth_index, there, &from.birth_index[here], count));
    CUTLOSS_TRY(put(to.death_index, there, &from.death_index[here], count));
  }
  return {};
}

Status LoopsOnCpu::deliver(const PersistenceRequest& to) noexcept {
  return put_bars(to, to.bars, to.capacity, bars_[0]);
}

Status LoopsOnCpu::deliver(const MatchingRequest& to) noexcept {
  CUTLOSS_TRY(put_bars(to, to.prediction_bars, to.capacity, bars_[0]));
  CUTLOSS_TRY(put_bars(to, to.target_bars, to.capacity, bars_[1]));
  if (!to.partner) return {};
  for (int64_t item = 0; item < to.items; ++item) {
    const int64_t stretch = item * to.axes + kLoops;
    CUTLOSS_TRY(put(to.partner, stretch * to.capacity, &partner_[stretch * capacity_], bars_[0].counts[stretch]));
  }
  return {};
}

}  // namespace cutloss::cuda
