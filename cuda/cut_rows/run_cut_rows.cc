// One request: its views moved in, the targets checked before anything else, the statistics met, and the gradient put
// on the stream chunk by chunk. The host looks at results twice on the way, which costs less than kernels that would
// have to carry them: the targets' totals, and the loss with the largest weight of a row.
#include "cuda/cut_rows/run_cut_rows.h"

#include <cmath>
#include <memory>
#include <new>
#include <numeric>

#include "cuda/cut_rows/cut_pass.h"
#include "cuda/cut_rows/sort_classes.h"
#include "cuda/parallel/sort.h"
#include "cuda/residence.h"
#include "cuda/rows/target_totals.h"
#include "engine/row_targets.h"

namespace cutloss::cuda {
namespace {

constexpr int64_t kDefaultWorkspace = int64_t{512} << 20;

class CutRun {
 public:
  CutRun(CutRowsRequest& request, Device& device, Cancel& cancel)
      : request_(request), device_(device), cancel_(cancel), residence_(device, cancel) {}

  Status run() noexcept {
    pass_.request = request_;
    CUTLOSS_TRY(residence_.move_in(pass_.request));
    if (request_.rows == 0) return clear_gradients();
    CUTLOSS_TRY(expect_countable());
    CUTLOSS_TRY(check_targets());
    describe();
    CUTLOSS_TRY(sort_if_asked());
    CUTLOSS_TRY(make_room());
    CUTLOSS_TRY(compute_rows());
    if (request_.wants_gradient()) CUTLOSS_TRY(compute_gradient());
    return residence_.bring_back();
  }

 private:
  const CutRowsRequest& resident() const { return pass_.request; }
  int64_t element() const { return static_cast<int64_t>(element_size(request_.hidden.dtype)); }
  cudaStream_t stream() const { return device_.stream.handle(); }
  Status check(cudaError_t error, const char* doing) noexcept { return device_.stream.check(error, doing); }

  template <class T>
  Status allocate(Scratch& scratch, int64_t count, T** memory) noexcept {
    CUTLOSS_TRY(scratch.allocate(device_.memory, static_cast<size_t>(count) * sizeof(T)));
    *memory = scratch.as<T>();
    held_ += count * static_cast<int64_t>(sizeof(T));
    return {};
  }

  template <class T>
  Status fetch(const T* from, int count, std::unique_ptr<T[]>& to) noexcept {
    to.reset(new (std::nothrow) T[static_cast<size_t>(count)]);
    if (!to) return failure(Code::kMemory, "Expected memory for %d results of a GPU", count);
    return device_.staging.download(to.get(), from, static_cast<size_t>(count) * sizeof(T), cancel_);
  }

  /// Nothing to learn from no rows.
  Status clear_gradients() noexcept {
    for (const View* gradient : {&resident().classifier_gradient, &resident().bias_gradient}) {
      if (*gradient)
        CUTLOSS_TRY(check(cudaMemsetAsync(gradient->data, 0, gradient->bytes(), stream()), "clear memory"));
    }
    return residence_.bring_back();
  }

  Status expect_countable() noexcept {
    if (request_.rows <= kMostSide && request_.classes <= kMostSide && request_.dim <= kMostSide) return {};
    return failure(Code::kShape, "Expected at most %lld rows, classes and dimensions on a GPU",
                   static_cast<long long>(kMostSide));
  }

  Status check_targets() noexcept {
    const int blocks = tile_targets(request_.rows);
    Scratch scratch;
    TargetTotals* on_gpu = nullptr;
    CUTLOSS_TRY(allocate(scratch, blocks, &on_gpu));
    CUTLOSS_TRY(check(launch_row_targets(resident(), blocks, on_gpu, stream()), "check the targets"));
    std::unique_ptr<TargetTotals[]> of_blocks;
    CUTLOSS_TRY(fetch(on_gpu, blocks, of_blocks));
    TargetTotals all;
    for (int i = 0; i < blocks; ++i) all.add(of_blocks[i]);
    if (all.first_bad != TargetTotals::kNoRow) return RowTargets(request_).out_of_range(all.first_bad, all.bad_value);
    request_.counted = static_cast<double>(all.counted);
    pass_.scale = scale_of(request_, all.weight);
    return {};
  }

  void describe() noexcept {
    const CutRowsRequest& r = resident();
    pass_.formula = {{static_cast<int>(r.objective), r.objective_first, r.objective_second},
                     r.label_smoothing,
                     r.z_loss,
                     static_cast<double>(r.classes)};
    pass_.logit_formula = {static_cast<float>(1 / r.temperature),
                           static_cast<float>(r.softcap),
                           r.softcap > 0 ? static_cast<float>(1 / r.softcap) : 0,
                           nullptr,
                           r.class_weights.as<const float>(),
                           static_cast<int>(r.classes)};
    pass_.wants = {r.label_smoothing > 0, static_cast<bool>(r.entropy), static_cast<bool>(r.argmax)};
    const bool aligned =
        (reinterpret_cast<uintptr_t>(r.hidden.data) | reinterpret_cast<uintptr_t>(r.classifier.data)) % 16 == 0;
    pass_.path = choose_path(device_.compute_capability, r.dim, element(), aligned);
    pass_.workers = device_.multiprocessors;
    pass_.spans = logit_spans(pass_.path, r.rows, divide_up(r.classes, columns()), r.dim * element(), pass_.workers);
    pass_.parts = pass_.spans * parts_per_span(pass_.path);
    pass_.finish_blocks = static_cast<int>(std::min<int64_t>(divide_up(r.rows, kFinishThreads), kMostFinishBlocks));
  }

  int64_t budget() const { return request_.workspace_bytes > 0 ? request_.workspace_bytes : kDefaultWorkspace; }

  Status sort_if_asked() noexcept {
    const CutRowsRequest& r = resident();
    const bool asked = r.filters() && r.wants_gradient() && r.sort_vocabulary;
    if (!asked || !has_room_to_sort(r.classes, r.dim, element(), budget())) return {};
    SortedClasses sorted = {};
    char* classifier = nullptr;
    CUTLOSS_TRY(allocate(order_, r.classes, &sorted.order));
    CUTLOSS_TRY(allocate(place_of_, r.classes, &sorted.place_of));
    CUTLOSS_TRY(allocate(sorted_classifier_, r.classes * r.dim * element(), &classifier));
    sorted.classifier = classifier;
    if (r.class_weights) CUTLOSS_TRY(allocate(sorted_weights_, r.classes, &sorted.weights));
    // given up again when the order is known
    Scratch mean, pairs, counts;
    CUTLOSS_TRY(mean.allocate(device_.memory, static_cast<size_t>(r.dim) * sizeof(float)));
    CUTLOSS_TRY(pairs.allocate(device_.memory, static_cast<size_t>(r.classes) * 4 * sizeof(uint32_t)));
    CUTLOSS_TRY(counts.allocate(device_.memory, kSortCountsBytes));
    sorted.mean = mean.as<float>();
    for (int i = 0; i < 4; ++i) sorted.pairs[i] = pairs.as<uint32_t>() + i * r.classes;
    sorted.counts = counts.as<uint32_t>();
    return sort_classes(pass_, sorted, device_, cancel_);
  }

  int columns() const { return tile_columns(pass_.path); }

  Status make_room() noexcept {
    const CutRowsRequest& r = resident();
    CUTLOSS_TRY(allocate(partials_, pass_.parts * r.rows, &pass_.partials));
    CUTLOSS_TRY(allocate(target_logits_, r.rows, &pass_.target_logits));
    CUTLOSS_TRY(allocate(rows_, r.rows, &pass_.rows));
    CUTLOSS_TRY(allocate(left_, pass_.finish_blocks, &pass_.left));
    if (r.bias) {
      float* bias = nullptr;
      CUTLOSS_TRY(allocate(bias_, r.classes, &bias));
      pass_.logit_formula.bias = bias;
      CUTLOSS_TRY(check(launch_widen_bias(pass_, bias, stream()), "read the bias"));
    }
    if (!request_.wants_gradient()) return {};

    if (skips()) {
      const int64_t groups = round_up(r.classes, columns()) / warp_columns(pass_.path);
      CUTLOSS_TRY(allocate(tile_maxima_, groups * r.rows, &pass_.tile_maxima));
    }
    CUTLOSS_TRY(allocate(same_tile_, r.rows, &chunk_.same_tile));
    CUTLOSS_TRY(allocate(tile_begin_, divide_up(r.classes, kCutRows) + 1, &chunk_.tile_begin));
    CUTLOSS_TRY(allocate(kept_total_, kCountBlocks, &kept_total_on_gpu_));
    const bool sums_apart = r.hidden_gradient && element() < int64_t{sizeof(float)};
    const int64_t sums = sums_apart ? r.rows * r.dim * int64_t{sizeof(float)} : 0;
    plan_ = plan_cut(r.rows, r.classes, element(), columns(), budget() - held_ - sums);
    if (sums_apart && plan_.chunk < r.classes) {
      CUTLOSS_TRY(allocate(hidden_sums_, r.rows * r.dim, &chunk_.hidden_sums));
    } else {
      chunk_.hidden_sums = r.hidden_gradient.as<float>();
    }
    if (pass_.tile_maxima) {
      CUTLOSS_TRY(allocate(live_, divide_up(r.classes, plan_.chunk) * order_of(plan_.chunk).count(), &live_on_gpu_));
      CUTLOSS_TRY(allocate(live_counts_, divide_up(r.classes, plan_.chunk), &live_counts_on_gpu_));
    }
    chunk_.kept_stride = kept_row_stride(r.rows);
    CUTLOSS_TRY(allocate(kept_, plan_.chunk / kPieceClasses * chunk_.kept_stride, &chunk_.kept));
    char* dz = nullptr;
    CUTLOSS_TRY(allocate(dz_, r.rows * plan_.chunk * element(), &dz));
    chunk_.dz = dz;
    if (plan_.stores_logits) {
      pass_.logits_stride = round_up(r.classes, columns());
      CUTLOSS_TRY(allocate(logits_, r.rows * pass_.logits_stride, &pass_.logits));
    }
    return {};
  }

  /// A gradient that nothing filters needs every logit; and what a label adds to dz has no bound by z where classes
  /// have weights.
  bool skips() const {
    const CutRowsRequest& r = resident();
    return r.filters() && !r.bias_gradient && (!r.hidden_gradient || r.filter_hidden) &&
           (!r.classifier_gradient || r.filter_classifier) && !(r.label_smoothing > 0 && r.class_weights);
  }

  TileOrder order_of(int64_t classes) const {
    return gradient_order(pass_.path, request_.rows, classes / columns(), request_.dim * element());
  }

  Status compute_rows() noexcept {
    if (cancel_.requested()) return cancelled();
    CUTLOSS_TRY(check(launch_cut_statistics(pass_, stream()), "compute the statistics of the rows"));
    CUTLOSS_TRY(check(launch_finish_rows(pass_, stream()), "compute the loss"));
    std::unique_ptr<CutLeft[]> of_blocks;
    CUTLOSS_TRY(fetch(pass_.left, pass_.finish_blocks, of_blocks));
    double loss = 0, largest = 0, poisoned = 0;
    for (int i = 0; i < pass_.finish_blocks; ++i) {
      loss += of_blocks[i].loss;
      largest = std::fmax(largest, of_blocks[i].largest_weight);
      poisoned += of_blocks[i].poisoned;
    }
    request_.loss = loss * pass_.scale;
    chunk_.gradient_scale = request_.hidden.dtype == DType::kFloat16 ? half_scale(largest) : 1;
    return poisoned > 0 && resident().classifier_gradient ? clean_hidden() : Status{};
  }

  /// What stands in a row without a gradient, be it not-a-number, does not reach the classifier.
  Status clean_hidden() noexcept {
    char* clean = nullptr;
    CUTLOSS_TRY(allocate(clean_hidden_, resident().rows * resident().dim * element(), &clean));
    CUTLOSS_TRY(check(launch_clean_hidden(pass_, clean, stream()), "copy hidden"));
    pass_.request.hidden.data = clean;
    return {};
  }

  /// Puts the largest dz near 2^13: far from float16's end, and what is 2^-27 of it is still a normal number.
  static float half_scale(double largest) {
    if (!(largest > 0 && largest < INFINITY)) return 1;
    return static_cast<float>(std::ldexp(1.0, std::min(std::max(13 - std::ilogb(largest), -100), 100)));
  }

  Status compute_gradient() noexcept {
    const CutRowsRequest& r = resident();
    CUTLOSS_TRY(check(launch_rows_by_tile(pass_, chunk_.same_tile, chunk_.tile_begin, stream()), "sort the targets"));
    if (live_on_gpu_) {
      CUTLOSS_TRY(check(
          launch_live_tiles(pass_, order_of(plan_.chunk), plan_.chunk, live_on_gpu_, live_counts_on_gpu_, stream()),
          "find what the filter keeps"));
    }
    for (int64_t begin = 0; begin < r.classes; begin += plan_.chunk) {
      if (cancel_.requested()) return cancelled();
      chunk_.begin = begin;
      chunk_.width = std::min(plan_.chunk, r.classes - begin);
      chunk_.first = begin == 0;
      chunk_.last = begin + chunk_.width == r.classes;
      chunk_.stride = round_up(chunk_.width, columns());
      chunk_.order = order_of(chunk_.stride);
      CUTLOSS_TRY(choose_tiles(begin / plan_.chunk));
      CUTLOSS_TRY(check(launch_cut_gradient(pass_, chunk_, stream()), "compute the gradient of the logits"));
      if (r.hidden_gradient) {
        CUTLOSS_TRY(check(launch_hidden_product(pass_, chunk_, stream()), "compute the gradient of hidden"));
      }
      if (r.classifier_gradient) {
        CUTLOSS_TRY(check(launch_classifier_product(pass_, chunk_, stream()), "compute the classifier's gradient"));
      }
      if (r.bias_gradient) {
        CUTLOSS_TRY(check(launch_bias_gradient(pass_, chunk_, stream()), "compute the gradient of the bias"));
      }
      if (r.filters()) {
        CUTLOSS_TRY(check(launch_count_kept(pass_, chunk_, kept_total_on_gpu_, stream()), "count the tiles"));
      }
    }
    return r.filters() ? report_kept() : Status{};
  }

  /// Tiles that are skipped leave no mark in the filter's map.
  Status choose_tiles(int64_t chunk) noexcept {
    if (!live_on_gpu_) return {};
    chunk_.live = live_on_gpu_ + chunk * order_of(plan_.chunk).count();
    chunk_.live_count = live_counts_on_gpu_ + chunk;
    const int64_t bytes = chunk_.stride / kPieceClasses * chunk_.kept_stride;
    return check(cudaMemsetAsync(chunk_.kept, 0, static_cast<size_t>(bytes), stream()), "clear memory");
  }

  Status report_kept() noexcept {
    std::unique_ptr<int64_t[]> kept;
    CUTLOSS_TRY(fetch(kept_total_on_gpu_, kCountBlocks, kept));
    const int64_t pieces = divide_up(request_.rows, kPieceRows) * divide_up(request_.classes, kPieceClasses);
    request_.kept_tiles = static_cast<double>(std::accumulate(kept.get(), kept.get() + kCountBlocks, int64_t{0})) /
                          static_cast<double>(pieces);
    return {};
  }

  CutRowsRequest& request_;
  Device& device_;
  Cancel& cancel_;
  Residence residence_;
  CutPass pass_ = {};
  CutChunk chunk_ = {};
  CutPlan plan_ = {};
  int64_t held_ = 0;  // bytes of workspace
  int64_t* kept_total_on_gpu_ = nullptr;
  int32_t *live_on_gpu_ = nullptr, *live_counts_on_gpu_ = nullptr;
  Scratch partials_, target_logits_, rows_, left_, bias_, same_tile_, tile_begin_, kept_total_, hidden_sums_, kept_,
      dz_, logits_, clean_hidden_, tile_maxima_, live_, live_counts_, order_, place_of_, sorted_classifier_,
      sorted_weights_;
};

}  // namespace

Status run_cut_rows(CutRowsRequest& request, Device& device, Cancel& cancel) noexcept {
  return CutRun(request, device, cancel).run();
}

}  // namespace cutloss::cuda
