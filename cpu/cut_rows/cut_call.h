// One call of a loss on cut logits: what it was asked, how it is cut, and the memory it works in. The steps over it are
// in cut_logits.h (logits and statistics of a chunk) and cut_gradient.h.
#pragma once

#include <atomic>

#include "cpu/cut_rows/cut_kernels.h"
#include "cpu/cut_rows/tiling.h"
#include "cpu/levels/levels.h"
#include "cpu/rows/row_terms.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"
#include "cpu/workspace.h"
#include "engine/engine.h"

namespace cutloss::cpu {

/// Consecutive rows, or classes.
struct Range {
  int64_t first, count;
  int64_t end() const { return first + count; }
};

/// Blocks of classes, or panels of rows, of a range; the n-th.
inline Range part_of(const Range& range, int64_t size, int64_t n) {
  return {range.first + n * size, std::clamp<int64_t>(range.count - n * size, 0, size)};
}

inline CutShape shape_of(const CutRowsRequest& r, const CutKernels& k) {
  CutShape s = {};
  s.rows = r.rows;
  s.classes = r.classes;
  s.dim = r.dim;
  s.panel = k.panel;
  s.tile_rows = k.tile_rows;
  s.groups = k.groups;
  s.words = k.groups.words_of(r.dim);
  s.has_bias = bool(r.bias);
  s.rounds = r.hidden.dtype != DType::kFloat32;
  s.hidden = bool(r.hidden_gradient);
  s.classifier = bool(r.classifier_gradient);
  s.bias = bool(r.bias_gradient);
  s.filters = r.filters();
  // A gradient that nothing filters needs every logit.
  s.skips = s.filters && ((s.hidden && r.filter_hidden) || (s.classifier && r.filter_classifier));
  s.sorts = s.filters && r.sort_vocabulary;
  s.class_weights = bool(r.class_weights);
  s.entropy = bool(r.entropy);
  s.labels = r.label_smoothing > 0;
  s.argmax = bool(r.argmax);
  // The slope of a soft cap is by the logit. A share is rounded, which must not outlive what is subtracted from it: the
  // label of a smoothed target, and in the sum for the bias the targets of rows that may all be rounded alike.
  s.shares = k.groups.pairs && r.softcap == 0 && !s.filters && !s.labels && !s.bias;
  s.lends = s.classifier && !s.rounds && !s.filters;
  return s;
}

/// Lines of a matrix: those in `order`, or `from` and those that follow.
struct Lines {
  char* from;
  const int32_t* order;
};

struct CutBuffers {
  // per row of the call
  int32_t* ids;          // target, or -1
  int32_t* places;       // where the target stands in the order of classes, or -1; may be `ids`
  float* target_logits;  // the target's product
  float *reference, *factor, *labels, *threshold, *target_factor;
  float* matters;  // 0: nothing depends on the row
  float* cut;      // a logit below it is left out by the filter
  double* values;  // the loss of a row

  // per class, in their order
  int32_t* order;        // the class at each place; null: 0, 1, ...
  int32_t* place_of;     // the place of each class, likewise
  float* keys;           // what the order is by
  float* bias;           // as floats
  float* class_weights;  // where they are read in an order of their own
  double* bias_sums;     // its gradient

  // per span and row of a forward pass
  float* max;
  double *sum, *gap, *labelled;
  float* best;
  int32_t* argmax;

  float* block_max;  // of a forward pass: [blocks][pass_rows], the largest z but the target's
  uint8_t* live;     // [panels of rows][blocks]: whether the filter may keep any of these logits
  float* anchors;    // [blocks][rows] of shares

  // of a chunk
  float* panels;           // rows turned
  float* logits;           // [classes][stride], or shares: [2 classes][stride]
  float* strips;           // rows as strips of dims: [strips][words][panel]
  uint64_t* kept;          // [blocks][register tiles of rows][kKeptWords], a bit per class
  float* hidden_sums;      // [rows][dim], where the gradient is not of floats
  float* classifier_sums;  // [classes][dim], likewise

  static constexpr int64_t kKeptWords = divide_up(kBlock, 64);

  static CutBuffers lay_out(Arena& arena, const CutShape& s, const CutPlan& p) {
    CutBuffers b;
    b.ids = arena.take<int32_t>(s.rows);
    b.places = s.sorts ? arena.take<int32_t>(s.rows) : b.ids;
    b.target_logits = arena.take<float>(s.rows);
    b.values = arena.take<double>(s.rows);
    const int64_t rows = s.gradient() ? round_up(s.rows, s.panel) : 0;
    b.reference = arena.take<float>(rows);
    b.factor = arena.take<float>(rows);
    b.labels = arena.take<float>(s.labels ? rows : 0);
    b.threshold = arena.take<float>(s.filters ? rows : 0);
    b.target_factor = arena.take<float>(rows);
    b.matters = arena.take<float>(rows);

    b.order = arena.take<int32_t>(s.sorts ? s.classes : 0);
    b.place_of = arena.take<int32_t>(s.sorts ? s.classes : 0);
    b.keys = arena.take<float>(s.sorts ? s.classes : 0);
    b.bias = arena.take<float>(s.has_bias ? s.classes : 0);
    b.class_weights = arena.take<float>(s.sorts && s.labels && s.class_weights ? s.classes : 0);
    b.bias_sums = arena.take<double>(s.bias ? s.classes : 0);

    const int64_t partials = divide_up(s.classes, span_classes(s.classes)) * p.pass_rows;
    b.max = arena.take<float>(partials);
    b.sum = arena.take<double>(partials);
    b.gap = arena.take<double>(s.entropy ? partials : 0);
    b.labelled = arena.take<double>(s.labels ? partials : 0);
    b.best = arena.take<float>(s.argmax ? partials : 0);
    b.argmax = arena.take<int32_t>(s.argmax ? partials : 0);

    const bool skips = s.skips && !p.keeps_logits;
    const int64_t blocks = skips ? divide_up(s.classes, kBlock) : 0;
    b.cut = arena.take<float>(skips ? rows : 0);
    b.block_max = arena.take<float>(blocks * p.pass_rows);
    b.live = arena.take<uint8_t>(blocks * divide_up(s.rows, s.panel));
    b.anchors = arena.take<float>(p.shares ? divide_up(p.kept_classes + p.lent_classes, kBlock) * rows : 0);

    b.panels = arena.take<float>(std::max(p.pass_rows, p.most_rows()) * s.words);
    const int64_t shares = p.shares ? divide_up(s.rows, p.chunk_rows) * s.groups.filled(p.kept_classes) : 0;
    const int64_t chunk_lines = std::max(s.groups.filled(p.chunk_classes), shares / 2);
    b.logits = arena.take<float>(p.chunk_rows > 0 ? chunk_lines * chunk_stride(s.groups, p.chunk_rows) : 0);
    const bool one_row_chunk = s.rows <= p.chunk_rows;
    b.strips = arena.take<float>(s.classifier ? s.groups.words_of(p.most_rows()) * round_up(s.dim, s.panel) : 0);
    const int64_t tiles = divide_up(p.chunk_rows, s.tile_rows);
    b.kept = arena.take<uint64_t>(s.filters ? divide_up(p.chunk_classes, kBlock) * tiles * kKeptWords : 0);
    const bool whole_hidden = !p.keeps_logits && !p.apart;  // every row waits for the last chunk of classes
    b.hidden_sums = arena.take<float>(s.rounds && s.hidden ? (whole_hidden ? s.rows : p.chunk_rows) * s.dim : 0);
    b.classifier_sums = arena.take<float>(s.rounds && s.classifier && !one_row_chunk ? p.chunk_classes * s.dim : 0);
    return b;
  }
};

struct CutCall {
  CutRowsRequest& r;
  const CutKernels& k;
  const Level& level;
  ThreadPool& pool;
  Cancel& cancel;
  RowTerms terms;
  CutTransform transform;
  CutShape shape;
  CutPlan plan;
  CutBuffers b;
  double label_weight = 0;  // sum of w_j, where labels are spread over all classes
  double most_weight = 1;   // the largest |w_j|, or 1; a NaN makes label_weight one, and every gradient with it
  std::atomic<bool> no_scratch{false};
  std::atomic<int64_t> kept_tiles{0}, all_tiles{0};

  CutCall(CutRowsRequest& request, const CutKernels& kernels, const Level& level, ThreadPool& pool, Cancel& cancel)
      : r(request), k(kernels), level(level), pool(pool), cancel(cancel), terms(request) {}

  size_t element() const { return element_size(r.hidden.dtype); }
  const char* hidden_row(int64_t row) const { return r.hidden.as<const char>() + row * r.dim * element(); }
  const char* classifier_row(int64_t id) const { return r.classifier.as<const char>() + id * r.dim * element(); }
  int64_t class_at(int64_t place) const { return b.order ? b.order[place] : place; }
  /// The classes at some places: lines of the classifier or of its gradient.
  Lines lines_of(const View& of, Range places) const {
    char* first = of.as<char>() + (b.order ? 0 : places.first * r.dim * int64_t(element()));
    return {first, b.order ? b.order + places.first : nullptr};
  }
  /// Some dims of them.
  Rectangle rectangle_of(const View& of, Range places, Range dims) const {
    const Lines lines = lines_of(of, places);
    const int64_t element = int64_t(this->element());
    return {lines.from + dims.first * element, lines.order, r.dim * element, dims.count * element,
            std::max<int64_t>(places.count, 0)};
  }
  const float* class_weights() const { return b.class_weights ? b.class_weights : r.class_weights.as<const float>(); }

  /// The class whose shares are the first in the classifier's gradient; all after it are there too.
  int64_t first_lent() const { return r.classes - plan.lent_classes; }
  /// Where the shares of a block of classes against a chunk's rows from `row` on are left; null: nowhere.
  Fraction16* shares_at(int64_t place, int64_t row) const {
    const auto in = [&](void* memory, int64_t classes, int64_t line) {
      const auto first = (reinterpret_cast<uintptr_t>(memory) + 63) / 64 * 64;
      const int64_t lines = row / plan.chunk_rows * k.groups.filled(classes) + line;
      return reinterpret_cast<Fraction16*>(first) + lines * chunk_stride(k.groups, plan.chunk_rows) +
             row % plan.chunk_rows;
    };
    if (!plan.shares || (place >= plan.kept_classes && place < first_lent())) return nullptr;
    return place < plan.kept_classes ? in(b.logits, plan.kept_classes, place)
                                     : in(r.classifier_gradient.data, plan.lent_classes, place - first_lent());
  }
  float* anchors_at(int64_t place, int64_t row) const {
    const int64_t before = place < plan.kept_classes ? place : place - first_lent() + plan.kept_classes;
    return b.anchors + before / kBlock * round_up(r.rows, k.panel) + row;
  }

  uint8_t* live(int64_t panel) const { return b.live + panel * divide_up(r.classes, kBlock); }

  /// The targets of `rows` among the classes of `block`, in the order of the rows.
  int64_t targets_in(Range rows, Range block, TargetHere* targets) const {
    int64_t count = 0;
    for (int64_t row = 0; row < rows.count; ++row) {
      const int64_t line = b.places[rows.first + row] - block.first;
      if (line >= 0 && line < block.count) targets[count++] = {line, row};
    }
    return count;
  }

  /// Calls task(0) ... task(count - 1) on all threads, with `floats` of scratch each.
  template <class Task>
  void run(int64_t count, int64_t floats, Task&& task) {
    pool.run(count, [&](int64_t i) {
      if (cancel.requested() || no_scratch.load(std::memory_order_relaxed)) return;
      auto* scratch = static_cast<float*>(Scratch::of_this_thread(size_t(floats + 16) * sizeof(float)));
      if (scratch) {
        k.enter();
        task(i, scratch);
        k.leave();
      } else {
        no_scratch = true;
      }
    });
  }
  Status interrupted() const {
    if (cancel.requested()) return cancelled();
    return no_scratch ? failure(Code::kMemory, "Expected scratch memory for every thread") : Status{};
  }
};

}  // namespace cutloss::cpu
