// From deaths to results: who matches whom, what the bars are worth, their slopes brought to voxels, and the bars
// themselves. Sums are taken in an order that depends on nothing but the shape.
#pragma once

#include "cuda/topology/elder.h"
#include "cuda/topology/load_fields.h"
#include "math/cubical/matching_loss.h"

namespace cutloss::cuda {

/// What the bars of one item add up to.
struct ItemSums {
  double loss;
  int64_t unmatched;
};

/// A bar's ends as values in sublevel order.
struct BarValues {
  double birth, death;
};

/// What a bar of the prediction without a partner adds.
CUTLOSS_HD math::BarTerms terms_of_unmatched(const MatchingRequest& r, const BarValues& bar) {
  switch (static_cast<UnmatchedPrediction>(r.unmatched_prediction)) {
    case UnmatchedPrediction::kDiagonal: return math::shrink(bar.birth, bar.death);
    case UnmatchedPrediction::kOneZero:
      return math::pull(bar.birth, bar.death, r.sublevel ? 0 : -1, r.sublevel ? 1 : 0);
    default: return {0, 0, 0};
  }
}

template <class GraphOf>
struct BarPass {
  GraphOf graph;
  FieldBatch batch;
  MatchingRequest matching;  // with a comparison
  BarViews views[2];         // of prediction (or field) and target
  int64_t capacity;
  int64_t first_item;
  int dimension;
  int slices;  // blocks for each item

  Deaths deaths;
  uint32_t* mates;    // [nodes]: the node of the other field whose bar matches; kNone at first
  uint32_t* numbers;  // [nodes]: of bars, in the order of their nodes
  uint32_t* block_counts;

  ItemSums* sums;        // [items, slices], this dimension's
  double* node_slopes;   // [items, places]: at the prediction's nodes, zero at first
  double* joint_slopes;  // [items, places, types], behind those: at its joints
  double* slopes;        // [items, places]: at its voxels, of all dimensions so far
};

/// Matches the bars of prediction and target that the comparison names together.
template <class GraphOf>
void match_bars(Sequence& sequence, const BarPass<GraphOf>& pass);

/// Sums and, where they are wanted, slopes.
template <class GraphOf>
void score_bars(Sequence& sequence, const BarPass<GraphOf>& pass);

/// Writes bars, counts and partners where they are wanted.
template <class GraphOf>
void write_bars(Sequence& sequence, const BarPass<GraphOf>& pass);

/// Adds the number of bars to the counts of each item, [axes]: those of the dimension, and of loops, where wanted.
struct Counting {
  int32_t* numbers;          // of the first item
  int dimension;             // -1: not wanted
  bool in_loops;             // dimension 1 in 3-D is counted by Euler's formula, from the others
  bool and_eldest;           // there is one component more than bars where anything is inside
  const uint32_t* earliest;  // [items, 2]
  uint32_t inside;           // the rank of the inside of masks
};
template <class GraphOf>
void count_bars(Sequence& sequence, const BarPass<GraphOf>& pass, const Counting& counting);

/// Takes the Euler characteristic of the masks off their numbers of loops.
void subtract_euler(Sequence& sequence, const Fields<3>& fields, const Counting& counting);

/// What is left of a request when all dimensions are done.
template <int kAxes>
struct Finish {
  Fields<kAxes> fields;
  MatchingRequest matching;
  int64_t first_item;
  int dimensions;  // that were scored
  int slices;
  const ItemSums* sums;  // [dimensions, items, slices]
  double* losses;        // [all items]
  const double* slopes;
  const double* loop_slopes;  // [items, voxels]: of what the CPU found; or null
  double scale;
};

/// Gradient and sums of every item.
template <int kAxes>
void finish_items(Sequence& sequence, const Finish<kAxes>& finish);

}  // namespace cutloss::cuda
