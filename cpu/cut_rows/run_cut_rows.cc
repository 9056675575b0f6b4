#include "cpu/cut_rows/run_cut_rows.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "cpu/cut_rows/cut_gradient.h"
#include "cpu/cut_rows/cut_logits.h"
#include "cpu/cut_rows/sort_classes.h"
#include "cpu/memory.h"
#include "math/float16.h"

namespace cutloss::cpu {
namespace {

float value_at(const View& from, int64_t i) {
  switch (from.dtype) {
    case DType::kFloat16: return math::widen(from.as<const Half>()[i]);
    case DType::kBFloat16: return math::widen(from.as<const BFloat16>()[i]);
    default: return from.as<const float>()[i];
  }
}

void store(float value, const View& to, int64_t i) {
  switch (to.dtype) {
    case DType::kFloat16: math::narrow(value, to.as<Half>() + i); break;
    case DType::kBFloat16: math::narrow(value, to.as<BFloat16>() + i); break;
    default: to.as<float>()[i] = value;
  }
}

class CutRun {
 public:
  explicit CutRun(CutCall& call) : c_(call), logits_(call), gradient_(call) {}

  Status prepare() {
    CutRowsRequest& r = c_.r;
    const CutBuffers& b = c_.b;
    CUTLOSS_TRY(c_.terms.prepare([&](int64_t row, int64_t id) { b.ids[row] = int32_t(id); }));
    const float* weights = r.class_weights.as<const float>();
    if (c_.shape.sorts) {
      for (int64_t id = 0; id < r.classes; ++id) b.keys[id] = r.bias ? value_at(r.bias, id) : 0;
      sort_classes(c_);
    }
    for (int64_t place = 0; b.class_weights && place < r.classes; ++place) {
      b.class_weights[place] = weights[c_.class_at(place)];
    }
    for (int64_t place = 0; b.bias && place < r.classes; ++place) b.bias[place] = value_at(r.bias, c_.class_at(place));
    if (b.bias_sums) std::fill_n(b.bias_sums, r.classes, 0.0);
    c_.transform = {{1, r.softcap}, 1 / r.temperature, b.bias, !r.bias && r.softcap == 0 && r.temperature == 1};
    for (int64_t j = 0; c_.shape.labels && j < r.classes; ++j) c_.label_weight += weights ? weights[j] : 1;
    for (int64_t j = 0; weights && j < r.classes; ++j)
      c_.most_weight = std::fmax(c_.most_weight, std::fabs(weights[j]));
    const auto make = [&](bool fresh, const View& of) {
      if (fresh && of) make_present(c_.pool, c_.cancel, of.data, of.bytes());
    };
    make(r.fresh_hidden_gradient, r.hidden_gradient);
    make(r.fresh_classifier_gradient, r.classifier_gradient);
    return {};
  }

  void compute() {
    if (c_.r.rows == 0 && c_.shape.classifier) {
      std::memset(c_.r.classifier_gradient.data, 0, c_.r.classifier_gradient.bytes());
    }
    if (!c_.shape.gradient() || !c_.plan.keeps_logits) measure();
    if (!c_.shape.gradient()) return;
    if (c_.plan.keeps_logits) {
      const int64_t lent = std::min(c_.plan.lent_rows, c_.r.rows);
      if (lent > 0) both_of({0, lent}, true);
      for_each_part({lent, c_.r.rows - lent}, c_.plan.chunk_rows, [&](Range rows) { both_of(rows, false); });
    } else if (c_.plan.apart) {
      if (c_.shape.hidden) {
        for_each_part({0, c_.r.rows}, c_.plan.chunk_rows, [&](Range rows) {
          for_each_part({0, c_.r.classes}, c_.plan.chunk_classes, [&](Range classes) {
            again(rows, classes, {true, false, false});
          });
        });
      }
      if (c_.shape.classifier || c_.shape.bias) again_by_classes({false, c_.shape.classifier, c_.shape.bias});
    } else {
      again_by_classes(wanted());
    }
    // dz is by the product, which the temperature divides
    for (int64_t place = 0; c_.shape.bias && place < c_.r.classes; ++place) {
      store(float(c_.b.bias_sums[place] * c_.r.temperature), c_.r.bias_gradient, c_.class_at(place));
    }
  }

  double loss() const {
    double sum = 0;
    for (int64_t row = 0; row < c_.r.rows; ++row) sum += c_.b.values[row];
    return sum * c_.terms.scale();
  }

 private:
  template <class Do>
  void for_each_part(Range range, int64_t size, Do&& each) {
    for (int64_t n = 0; n * size < range.count && c_.interrupted().ok(); ++n) each(part_of(range, size, n));
  }

  GradientsOf wanted() const { return {c_.shape.hidden, c_.shape.classifier, c_.shape.bias}; }

  LogitsWanted kept(int64_t classes, bool measure, bool only_live) const {
    return {c_.b.logits, classes, chunk_stride(c_.k.groups, c_.plan.chunk_rows), measure, only_live};
  }

  /// The statistics of every row; what there is room for is kept for the gradient.
  void measure() {
    for_each_part({0, c_.r.rows}, c_.plan.pass_rows, [&](Range rows) {
      logits_.compute(rows, {0, c_.r.classes}, kept(c_.plan.shares ? 0 : c_.plan.kept_classes, true, false));
      logits_.finish(rows);
    });
  }

  /// Loss and gradient of some rows, from logits that are computed once.
  void both_of(Range rows, bool lent) {
    const GradientChunk chunk = {rows, {0, c_.r.classes}, wanted(), true, true, nullptr, lent};
    logits_.compute(rows, chunk.classes,
                    {gradient_.words_at(chunk, 0), c_.r.classes, gradient_.stride(chunk), true, false});
    if (!c_.interrupted().ok()) return;
    logits_.finish(rows);
    gradient_.compute(chunk);
  }

  /// The classes whose shares lie in the classifier's gradient come first: their own rows of it are none of those, and
  /// all others are written afterwards.
  void again_by_classes(const GradientsOf& of) {
    const int64_t lent = c_.first_lent(), kept = c_.plan.shares ? c_.plan.kept_classes : 0;
    for (const Range shares : {Range{lent, c_.r.classes - lent}, Range{0, kept}}) {
      for_each_rectangle(shares, c_.b.classifier_sums ? c_.plan.chunk_classes : shares.count,
                         [&](Range rows, Range classes) {
                           differentiate(rows, classes, of, c_.shares_at(classes.first, rows.first));
                         });
    }
    for_each_rectangle({kept, lent - kept}, c_.plan.chunk_classes,
                       [&](Range rows, Range classes) { again(rows, classes, of); });
  }
  template <class Do>
  void for_each_rectangle(Range of, int64_t size, Do&& each) {
    for_each_part(of, size, [&](Range classes) {
      for_each_part({0, c_.r.rows}, c_.plan.chunk_rows, [&](Range rows) { each(rows, classes); });
    });
  }

  /// Gradients of a rectangle of logits, which are computed again unless it is the first and they are still there.
  void again(Range rows, Range classes, const GradientsOf& of) {
    if (!std::exchange(first_there_, false)) {
      logits_.compute(rows, classes, kept(classes.count, false, gradient_.may_skip(of)));
    }
    if (c_.interrupted().ok()) differentiate(rows, classes, of, nullptr);
  }

  void differentiate(Range rows, Range classes, const GradientsOf& of, Fraction16* shares) {
    const int64_t lent = c_.first_lent();
    const bool first = classes.first == (lent < c_.r.classes ? lent : 0), last = classes.end() == lent;
    gradient_.compute({rows, classes, of, first, last, shares, false});
  }

  CutCall& c_;
  CutLogits logits_;
  CutGradient gradient_;
  bool first_there_ = !c_.plan.shares && c_.plan.kept_classes > 0;
};

}  // namespace

Status run_cut_rows(CutRowsRequest& request, const Level& level, ThreadPool& pool, Cancel& cancel) noexcept {
  const CutKernels& kernels = level.cut_rows->by_dtype[static_cast<int>(request.hidden.dtype)];
  CutCall call(request, kernels, level, pool, cancel);
  call.shape = shape_of(request, kernels);
  const int64_t budget = request.workspace_bytes > 0 ? request.workspace_bytes : default_workspace(call.shape);
  const auto bytes = [&](const CutPlan& plan) {
    Arena counting;
    CutBuffers::lay_out(counting, call.shape, plan);
    return counting.bytes();
  };
  call.plan = plan_cut_rows(call.shape, budget, bytes);
  Workspace workspace;
  CUTLOSS_TRY(workspace.open(bytes(call.plan)));
  Arena arena = workspace.arena();
  call.b = CutBuffers::lay_out(arena, call.shape, call.plan);

  CutRun run(call);
  CUTLOSS_TRY(run.prepare());
  run.compute();
  CUTLOSS_TRY(call.interrupted());
  request.loss = run.loss();
  if (call.all_tiles > 0) request.kept_tiles = double(call.kept_tiles) / double(call.all_tiles);
  return {};
}

}  // namespace cutloss::cpu
