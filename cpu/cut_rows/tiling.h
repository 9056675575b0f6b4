// How losses on cut logits cut their work, as pure functions. None depends on the number of threads, so neither do
// results; they depend on the workspace, which decides how many rows are in a chunk.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/cut_rows/cut_kernels.h"

namespace cutloss::cpu {

/// Classes in a block: its words and a panel of rows fit the second-level cache. Whole groups of words, and a multiple
/// of every level's register tile.
constexpr int64_t kBlock = 96;

/// Classes at a time in the gradient of hidden: whole blocks. Where a step takes a group of words, the sums would be
/// read and written too often for the words of one.
constexpr int64_t classes_together(const WordGroups& groups) { return groups.size > 1 ? 3 * kBlock : kBlock; }

/// Words of a sum at a time: a panel of them fits half the second-level cache.
constexpr int64_t kMostWords = 1024;

/// Rows packed at a time in a pass that keeps no logits.
constexpr int64_t kPanelBytes = int64_t{4} << 20;

/// Stretches of classes whose statistics are kept apart and met in order.
constexpr int64_t kMostSpans = 32;

/// Rows of a chunk, for which the classifier is read three times, below which computing all logits twice is cheaper.
constexpr int64_t kFewestKeptRows = 64;

/// Rows of a chunk, over which the classifier's gradient is one chain of float sums.
constexpr int64_t kMostChunkRows = 1024;

constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t to) { return divide_up(a, to) * to; }

/// Of `classes`, how many a span has: whole blocks.
constexpr int64_t span_classes(int64_t classes) { return divide_up(divide_up(classes, kBlock), kMostSpans) * kBlock; }

/// Elements from one class to the next in a chunk of logits, or of what takes half as much where words are pairs: a
/// line of the cache more than its rows, or columns of a tile would share a few sets of the cache.
constexpr int64_t chunk_stride(const WordGroups& groups, int64_t padded_rows) {
  return padded_rows + (groups.pairs ? 32 : 16);
}

/// How the gradient of hidden is cut: some strips of dims together, so that logits are not read once for every strip;
/// and groups of rows, where these are few and rows enough to pay for packing the strips again; two groups pay sooner,
/// since one task leaves other threads idle.
struct HiddenTasks {
  int64_t dims, dim_groups;
  int64_t rows, row_groups;

  constexpr int64_t count() const { return dim_groups * row_groups; }
};

constexpr HiddenTasks hidden_tasks(int64_t rows, int64_t dim, int64_t panel, int64_t tile_rows) {
  constexpr int64_t kTogether = 256, kEnough = 12, kManyRows = 120, kFewRows = 64;
  HiddenTasks tasks = {};
  tasks.dims = std::max(kTogether, panel);
  tasks.dim_groups = divide_up(dim, tasks.dims);
  const int64_t paying = std::max(rows / kManyRows, std::clamp<int64_t>(rows / kFewRows, 1, 2));
  const int64_t wanted = std::min(divide_up(kEnough, tasks.dim_groups), paying);
  tasks.rows = round_up(divide_up(rows, wanted), tile_rows);
  tasks.row_groups = divide_up(rows, tasks.rows);
  return tasks;
}

/// The chunks of a call. Where logits are kept, a chunk has all classes, and what the forward pass made of its rows
/// becomes their gradient in place (6 rows classes dim operations); of the first rows, as many as hidden has dims, the
/// logits of a class lie where its gradient will be. Otherwise every logit is computed once for the
/// statistics and once more for the gradient (8), or twice more where the two gradients are taken apart (10); but not
/// again those that there is room for while the statistics are taken: of the first classes in the memory of a chunk,
/// and, as shares, of the last classes in the memory of the classifier's gradient.
struct CutPlan {
  int64_t pass_rows = 0;      // packed at a time in the forward pass
  int64_t lent_rows = 0;      // of a first chunk, whose logits lie in the classifier's gradient
  int64_t chunk_rows = 0;     // of logits at a time in the gradient
  int64_t chunk_classes = 0;  // likewise
  bool keeps_logits = false;
  bool apart = false;
  bool shares = false;       // what is left for the gradient are not logits but shares, of half their size
  int64_t kept_classes = 0;  // from the first, whose logits or shares are left in a chunk
  int64_t lent_classes = 0;  // to the last, whose shares are left in the gradient of the classes before them

  int64_t most_rows() const { return std::max(lent_rows, chunk_rows); }  // of a chunk
};

struct CutShape {
  int64_t rows, classes, dim;
  int64_t panel, tile_rows, words;  // of the level's kernels, and a row's
  WordGroups groups;
  bool has_bias;
  bool rounds;                    // storage is not float: gradients need sums of their own
  bool hidden, classifier, bias;  // gradients that are wanted
  bool filters;
  bool skips;   // some logits need not be computed again, if what they were the first time says so
  bool shares;  // exp(z - anchor) in 16 bits is exact enough to be left for the gradient
  bool lends;   // the classifier's gradient is of floats, line by line those of the classes
  bool sorts;   // classes are taken in an order of their own
  bool class_weights;
  bool entropy, labels, argmax;

  bool gradient() const { return hidden || classifier || bias; }
};

/// The largest multiple of `step` up to `most` whose `bytes` fit; 0 if not even one step does.
template <class Bytes>
int64_t largest_fitting(int64_t step, int64_t most, int64_t budget, Bytes&& bytes) {
  int64_t low = 0, high = divide_up(most, step);
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (bytes(middle * step) <= budget) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low * step;
}

/// How many of the last classes' shares, `stride` to a class, fit the classifier's gradient before their own rows of
/// it.
constexpr int64_t lent_classes(const CutShape& s, int64_t stride) {
  constexpr int64_t kLine = 32;  // elements lost to alignment
  const int64_t first = divide_up((s.classes + s.groups.terms() - 1) * stride + kLine, s.dim + stride);
  return std::max<int64_t>(s.classes - round_up(first, kBlock), 0);
}

/// The plan with room for logits of `classes`, and what it then leaves for the gradient. Where the classifier's
/// gradient is summed over chunks of rows, which takes memory beside them, chunks have few classes and more shares are
/// left.
constexpr CutPlan with_classes(const CutShape& s, CutPlan plan, int64_t classes) {
  constexpr int64_t kFew = 16 * kBlock;
  plan.chunk_classes = std::min(classes, s.classes);
  plan.shares = s.shares && !plan.apart;
  plan.lent_classes = 0;
  if (!plan.shares) {
    const bool one_chunk = s.rows <= std::min(plan.pass_rows, plan.chunk_rows);
    plan.kept_classes = one_chunk && !s.skips ? plan.chunk_classes : 0;
    return plan;
  }
  const int64_t row_chunks = std::max<int64_t>(divide_up(s.rows, plan.chunk_rows), 1);
  if (s.classifier) plan.lent_classes = lent_classes(s, row_chunks * chunk_stride(s.groups, plan.chunk_rows));
  const int64_t others = s.classes - plan.lent_classes;
  const int64_t room = std::min(plan.chunk_classes, round_up(divide_up(others * row_chunks, 2), kBlock));
  const int64_t fitting = 2 * room / row_chunks;
  plan.chunk_classes = row_chunks > 1 ? std::min(room, kFew) : room;
  plan.kept_classes = fitting < others ? fitting / kBlock * kBlock : others;
  return plan;
}

/// Scratch memory of a call that does not say. Where the classifier's gradient lends more, a third of the logits is
/// enough, unless that is little.
constexpr int64_t default_workspace(const CutShape& s) {
  constexpr int64_t kLeast = int64_t{20} << 20, kMost = int64_t{64} << 20;
  if (!s.lends || s.dim < s.panel) return kMost;
  const int64_t bytes_of_row = 4 * std::max<int64_t>(s.classes, 1);
  return std::clamp(std::min(s.rows / 3, kMost / bytes_of_row + 1) * bytes_of_row, kLeast, kMost);
}

/// Within `budget` bytes, of which a plan needs `bytes(plan)`; a call for less than the smallest plan gets that.
template <class Bytes>
CutPlan plan_cut_rows(const CutShape& s, int64_t budget, Bytes&& bytes) {
  const int64_t all_rows = round_up(std::max<int64_t>(s.rows, 1), s.panel);
  const int64_t all_classes = round_up(s.classes, kBlock);
  // what a row takes in a pass: its panel, its part of every span, its largest logit of every block
  const int64_t panel = s.words * 4, spans = divide_up(s.classes, span_classes(s.classes));
  const int64_t row = panel + spans * 36 + (s.skips ? divide_up(s.classes, kBlock) * 4 : 0);
  const int64_t pass = std::min(kPanelBytes / panel, budget / 4 / row) / s.panel * s.panel;
  CutPlan plan;
  plan.pass_rows = std::clamp(pass, s.panel, all_rows);
  if (!s.gradient()) return plan;

  const auto keeping = [&](int64_t lent, int64_t rows) {
    CutPlan whole;
    whole.lent_rows = lent;
    whole.chunk_rows = rows;
    whole.pass_rows = whole.most_rows();
    whole.chunk_classes = s.classes;
    whole.keeps_logits = true;
    return whole;
  };
  const int64_t most = kMostChunkRows / s.panel * s.panel;
  int64_t fewest = INT64_MAX;
  const auto consider = [&](int64_t lent) {
    const int64_t others = all_rows - lent,
                  fitting = largest_fitting(s.panel, std::min(most, others), budget,
                                            [&](int64_t rows) { return bytes(keeping(lent, rows)); });
    if (fitting < std::min(kFewestKeptRows, others) || bytes(keeping(lent, fitting)) > budget) return;
    const int64_t chunks = others > 0 ? divide_up(others, fitting) : 0;
    if (chunks + (lent > 0) >= fewest) return;
    fewest = chunks + (lent > 0);
    plan = keeping(lent, chunks > 0 ? round_up(divide_up(others, chunks), s.panel) : 0);
  };
  consider(0);
  int64_t lent = s.lends ? std::min({s.dim / s.panel * s.panel, most, all_rows}) : 0;
  for (; lent > 0; lent = lent / 2 / s.panel * s.panel) consider(lent);
  if (plan.keeps_logits) return plan;

  const struct {
    bool apart;
    int64_t rows;
  } shapes[] = {{false, kMostChunkRows}, {false, 256}, {true, kMostChunkRows}, {true, 256}, {true, s.panel}};
  for (const auto& shape : shapes) {
    plan.apart = shape.apart;
    plan.chunk_rows = std::min(round_up(shape.rows, s.panel), all_rows);
    const int64_t classes = largest_fitting(kBlock, all_classes, budget,
                                            [&](int64_t classes) { return bytes(with_classes(s, plan, classes)); });
    plan = with_classes(s, plan, std::max(classes, kBlock));
    if (classes >= std::min(8 * kBlock, all_classes)) break;
  }
  return plan;
}

}  // namespace cutloss::cpu
