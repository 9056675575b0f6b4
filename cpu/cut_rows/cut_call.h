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
  return {range.first + n * size, std::min(size, range.count - n * size)};
}

struct CutBuffers {
  // per row of the call
  int32_t* ids;          // target, or -1
  float* target_logits;  // the target's product
  float *reference, *factor, *labels, *threshold, *target_factor;
  float* matters;  // 0: nothing depends on the row
  double* values;  // the loss of a row

  // per class
  float* bias;        // as floats
  double* bias_sums;  // its gradient

  // per span and row of a forward pass
  float* max;
  double *sum, *gap, *labelled;
  float* best;
  int32_t* argmax;

  // of a chunk
  float* panels;           // rows turned
  float* logits;           // [classes][stride]
  float* strips;           // rows as strips of dims: [strips][words][panel]
  uint64_t* kept;          // [blocks][register tiles of rows][kKeptWords], a bit per class
  float* hidden_sums;      // [rows][dim], where the gradient is not of floats
  float* classifier_sums;  // [classes][dim], likewise

  static constexpr int64_t kKeptWords = divide_up(kBlock, 64);

  static CutBuffers lay_out(Arena& arena, const CutShape& s, const CutPlan& p) {
    CutBuffers b;
    b.ids = arena.take<int32_t>(s.rows);
    b.target_logits = arena.take<float>(s.rows);
    b.values = arena.take<double>(s.rows);
    const int64_t rows = s.gradient() ? round_up(s.rows, s.panel) : 0;
    b.reference = arena.take<float>(rows);
    b.factor = arena.take<float>(rows);
    b.labels = arena.take<float>(s.labels ? rows : 0);
    b.threshold = arena.take<float>(s.filters ? rows : 0);
    b.target_factor = arena.take<float>(rows);
    b.matters = arena.take<float>(rows);

    b.bias = arena.take<float>(s.has_bias ? s.classes : 0);
    b.bias_sums = arena.take<double>(s.bias ? s.classes : 0);

    const int64_t partials = divide_up(s.classes, span_classes(s.classes)) * p.pass_rows;
    b.max = arena.take<float>(partials);
    b.sum = arena.take<double>(partials);
    b.gap = arena.take<double>(s.entropy ? partials : 0);
    b.labelled = arena.take<double>(s.labels ? partials : 0);
    b.best = arena.take<float>(s.argmax ? partials : 0);
    b.argmax = arena.take<int32_t>(s.argmax ? partials : 0);

    b.panels = arena.take<float>(std::max(p.pass_rows, p.chunk_rows) * s.words);
    const int64_t chunk_lines = round_up(p.chunk_classes, 2);
    b.logits = arena.take<float>(chunk_lines * chunk_stride(p.chunk_rows) * (s.gradient() ? 1 : 0));
    const bool one_row_chunk = s.rows <= p.chunk_rows;
    b.strips = arena.take<float>(s.classifier ? words_of(s.pairs, p.chunk_rows) * round_up(s.dim, s.panel) : 0);
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
  std::atomic<bool> no_scratch{false};
  std::atomic<int64_t> kept_tiles{0}, all_tiles{0};

  CutCall(CutRowsRequest& request, const CutKernels& kernels, const Level& level, ThreadPool& pool, Cancel& cancel)
      : r(request), k(kernels), level(level), pool(pool), cancel(cancel), terms(request) {}

  size_t element() const { return element_size(r.hidden.dtype); }
  const char* hidden_row(int64_t row) const { return r.hidden.as<const char>() + row * r.dim * element(); }
  const char* classifier_row(int64_t id) const { return r.classifier.as<const char>() + id * r.dim * element(); }

  /// The targets of `rows` among the classes of `block`, in the order of the rows.
  int64_t targets_in(Range rows, Range block, TargetHere* targets) const {
    int64_t count = 0;
    for (int64_t row = 0; row < rows.count; ++row) {
      const int64_t line = b.ids[rows.first + row] - block.first;
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
        task(i, scratch);
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
