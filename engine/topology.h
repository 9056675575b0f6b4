// The requests of the topology engine, on batches of scalar fields on grids: the bars of persistent homology, Betti
// matching of two fields with its loss and gradient, and Betti numbers of masks.
//
// How many bars there will be is known to nobody beforehand. They go to outputs of [items, axes, capacity], where
// capacity is at least most_bars(), and `counts` says how many of each stretch are there.
//
// What a target contributes to every matching with it can be computed once: PrepareTargetRequest leaves it as words
// that mean nothing to anybody else, and a MatchingRequest of the same batch takes them beside the target itself.
#pragma once

#include "engine/row_loss.h"
#include "engine/status.h"
#include "engine/view.h"

namespace cutloss {

enum class UnmatchedPrediction : int { kDiagonal, kOneZero, kIgnore };
enum class UnmatchedTarget : int { kCount, kIgnore };

/// What every request says of its fields, which are [items, height, width] or [items, depth, height, width].
struct FieldBatch {
  int64_t items = 0;
  int64_t axes = 2;
  int64_t depth = 1;  // 1 where axes is 2
  int64_t height = 0;
  int64_t width = 0;
  int64_t sublevel = 0;    // dark is early; otherwise bright is
  int64_t closed = 0;      // the border is padded by one voxel that is there from the beginning
  int64_t dimensions = 7;  // a bit for each that is asked for
  int64_t binary = 0;      // fields are first reduced to whether a value is above the threshold: 1 or 0
  double threshold = 0;

  CUTLOSS_HD int64_t voxels() const { return depth * height * width; }  // of one field, without padding
  bool wants(int dimension) const { return dimension < axes && (dimensions >> dimension & 1); }
};

/// Bars of fields, by item and dimension. Indices are row-major voxel numbers inside the field, -1 in the padding.
struct BarViews {
  View birth;        // [items, axes, capacity]
  View death;        // [items, axes, capacity]
  View birth_index;  // [items, axes, capacity]
  View death_index;  // [items, axes, capacity]
  View counts;       // [items, axes]
};

struct PersistenceRequest : FieldBatch {
  static constexpr const char* kName = "persistence";

  View field;     // input
  BarViews bars;  // outputs
  int64_t capacity = 0;
};

struct PrepareTargetRequest : FieldBatch {
  static constexpr const char* kName = "prepareTarget";

  View target;    // input
  View prepared;  // output, [items, capacity]
  int64_t capacity = 0;

  double words = 0;  // result: the most that an item took of its stretch
};

struct MatchingRequest : FieldBatch {
  static constexpr const char* kName = "matching";

  // inputs
  View prediction;
  View target;
  View prepared;  // [items, any number of words]: what PrepareTargetRequest made of the target
  View upstream;  // [items], with Reduction::kNone

  // outputs
  View gradient;  // like prediction, which it may be
  View per_item;  // [items]
  View errors;    // [items]: how many bars of both fields are unmatched
  BarViews prediction_bars;
  BarViews target_bars;
  View partner;  // [items, axes, capacity]: of each bar of the prediction, the target's bar that it matches, or -1

  // parameters
  int64_t capacity = 0;
  int64_t sigmoid = 0;  // the prediction is logits
  int64_t unmatched_prediction = 0;
  int64_t unmatched_target = 0;
  double min_persistence = 0;  // the prediction's bars that are shorter are none
  int64_t reduction = 0;
  double upstream_scale = 1;

  // results
  double loss = 0;
};

struct BettiNumbersRequest : FieldBatch {
  static constexpr const char* kName = "bettiNumbers";

  View field;    // input
  View numbers;  // output, [items, axes]; 0 for dimensions that are not asked for
};

template <class Request, class Visitor>
void field_batch_parameters(Request& r, Visitor& visit) {
  visit.parameter("items", r.items);
  visit.parameter("axes", r.axes);
  visit.parameter("depth", r.depth);
  visit.parameter("height", r.height);
  visit.parameter("width", r.width);
  visit.parameter("sublevel", r.sublevel);
  visit.parameter("closed", r.closed);
  visit.parameter("dimensions", r.dimensions);
  visit.parameter("binary", r.binary);
  visit.parameter("threshold", r.threshold);
}

template <Is<PersistenceRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("field", r.field, Accept::kAnyNumber);
  visit.output("birth", r.bars.birth, Accept::kFloat32);
  visit.output("death", r.bars.death, Accept::kFloat32);
  visit.output("birthIndex", r.bars.birth_index, Accept::kInt32);
  visit.output("deathIndex", r.bars.death_index, Accept::kInt32);
  visit.output("counts", r.bars.counts, Accept::kInt32);
  field_batch_parameters(r, visit);
  visit.parameter("capacity", r.capacity);
}

template <Is<PrepareTargetRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("target", r.target, Accept::kAnyNumber);
  visit.output("prepared", r.prepared, Accept::kInt32);
  field_batch_parameters(r, visit);
  visit.parameter("capacity", r.capacity);
  visit.result("words", r.words);
}

template <Is<MatchingRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("prediction", r.prediction, Accept::kAnyNumber);
  visit.input("target", r.target, Accept::kAnyNumber);
  visit.input("prepared", r.prepared, Accept::kInt32);
  visit.input("upstream", r.upstream, Accept::kFloat32);

  visit.output("gradient", r.gradient, Accept::kFloating);
  visit.output("perItem", r.per_item, Accept::kFloat32);
  visit.output("errors", r.errors, Accept::kInt32);
  visit.output("predictionBirth", r.prediction_bars.birth, Accept::kFloat32);
  visit.output("predictionDeath", r.prediction_bars.death, Accept::kFloat32);
  visit.output("predictionBirthIndex", r.prediction_bars.birth_index, Accept::kInt32);
  visit.output("predictionDeathIndex", r.prediction_bars.death_index, Accept::kInt32);
  visit.output("predictionCounts", r.prediction_bars.counts, Accept::kInt32);
  visit.output("targetBirth", r.target_bars.birth, Accept::kFloat32);
  visit.output("targetDeath", r.target_bars.death, Accept::kFloat32);
  visit.output("targetBirthIndex", r.target_bars.birth_index, Accept::kInt32);
  visit.output("targetDeathIndex", r.target_bars.death_index, Accept::kInt32);
  visit.output("targetCounts", r.target_bars.counts, Accept::kInt32);
  visit.output("partner", r.partner, Accept::kInt32);

  field_batch_parameters(r, visit);
  visit.parameter("capacity", r.capacity);
  visit.parameter("sigmoid", r.sigmoid);
  visit.parameter("unmatchedPrediction", r.unmatched_prediction);
  visit.parameter("unmatchedTarget", r.unmatched_target);
  visit.parameter("minPersistence", r.min_persistence);
  visit.parameter("reduction", r.reduction);
  visit.parameter("upstreamScale", r.upstream_scale);

  visit.result("loss", r.loss);
}

template <Is<BettiNumbersRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("field", r.field, Accept::kAnyNumber);
  visit.output("numbers", r.numbers, Accept::kInt32);
  field_batch_parameters(r, visit);
}

/// No dimension of one field has more bars. Two voxels (or two top cells) side by side never both start a bar, so half
/// of them bound these dimensions; loops in 3-D are born at edges outside a spanning tree, fewer than two per voxel.
int64_t most_bars(const FieldBatch& fields) noexcept;

/// Words enough for one prepared field, whatever its values.
int64_t most_prepared_words(const FieldBatch& fields) noexcept;

Status check(const PersistenceRequest& request) noexcept;
Status check(const PrepareTargetRequest& request) noexcept;
Status check(const MatchingRequest& request) noexcept;
Status check(const BettiNumbersRequest& request) noexcept;

}  // namespace cutloss
