// What every loss on rows of logits is asked, wherever its logits come from: targets and weights, the objective, what
// to return per row. RowsRequest reads logits that exist; CutRowsRequest multiplies them out tile by tile.
#pragma once

#include "engine/status.h"
#include "engine/view.h"

namespace cutloss {

enum class Reduction : int { kMean, kSum, kNone };

struct RowLoss {
  // inputs
  View targets;            // class ids [rows], or probabilities [rows, classes]
  View weights;            // [rows]
  View class_weights;      // [classes]
  View upstream;           // [rows], with Reduction::kNone
  View objective_loss;     // [rows], with objective kGiven: what a JavaScript objective returned
  View objective_weights;  // [rows], likewise: -dloss/dlogp

  // outputs
  View per_item;  // [rows]
  View log_prob;  // [rows]
  View lse;       // [rows]
  View entropy;   // [rows]
  View argmax;    // [rows]

  // parameters
  int64_t rows = 0;
  int64_t classes = 0;
  int64_t time = 0;   // rows per sequence, for shift
  int64_t shift = 0;  // row t of a sequence predicts target t + shift; the last `shift` rows predict nothing
  int64_t ignore_index = -100;
  int64_t reduction = 0;
  int64_t objective = 0;  // index into math::kRowObjectives, or math::kGivenObjective
  double objective_first = 0;
  double objective_second = 0;
  double label_smoothing = 0;
  double z_loss = 0;
  double softcap = 0;  // 0: none
  double temperature = 1;
  double divisor = 0;  // 0: the sum of the weights of the rows that count
  double upstream_scale = 1;

  // results
  double loss = 0;
  double counted = 0;

  CUTLOSS_HD bool probability_targets() const { return is_floating(targets.dtype); }
};

/// The shared fields, in four parts that a request's own fields() puts among its own.
template <class Request, class Visitor>
void row_loss_inputs(Request& r, Visitor& visit) {
  visit.input("targets", r.targets, Accept::kIntegerOrFloating);
  visit.input("weights", r.weights, Accept::kFloat32);
  visit.input("classWeights", r.class_weights, Accept::kFloat32);
  visit.input("upstream", r.upstream, Accept::kFloat32);
  visit.input("objectiveLoss", r.objective_loss, Accept::kFloat32);
  visit.input("objectiveWeights", r.objective_weights, Accept::kFloat32);
}

template <class Request, class Visitor>
void row_loss_outputs(Request& r, Visitor& visit) {
  visit.output("perItem", r.per_item, Accept::kFloat32);
  visit.output("logProb", r.log_prob, Accept::kFloat32);
  visit.output("lse", r.lse, Accept::kFloat32);
  visit.output("entropy", r.entropy, Accept::kFloat32);
  visit.output("argmax", r.argmax, Accept::kInt32);
}

template <class Request, class Visitor>
void row_loss_parameters(Request& r, Visitor& visit) {
  visit.parameter("rows", r.rows);
  visit.parameter("classes", r.classes);
  visit.parameter("time", r.time);
  visit.parameter("shift", r.shift);
  visit.parameter("ignoreIndex", r.ignore_index);
  visit.parameter("reduction", r.reduction);
  visit.parameter("objective", r.objective);
  visit.parameter("objectiveFirst", r.objective_first);
  visit.parameter("objectiveSecond", r.objective_second);
  visit.parameter("labelSmoothing", r.label_smoothing);
  visit.parameter("zLoss", r.z_loss);
  visit.parameter("softcap", r.softcap);
  visit.parameter("temperature", r.temperature);
  visit.parameter("divisor", r.divisor);
  visit.parameter("upstreamScale", r.upstream_scale);
}

template <class Request, class Visitor>
void row_loss_results(Request& r, Visitor& visit) {
  visit.result("loss", r.loss);
  visit.result("counted", r.counted);
}

/// Ranges and lengths of the shared fields; `rows` and `classes` must have been found sound.
Status check_row_loss(const RowLoss& loss) noexcept;

}  // namespace cutloss
