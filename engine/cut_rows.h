// The request of a loss on rows of logits that are never built: logits = hidden · classifierᵀ + bias. Loss, per-row
// outputs and any of the three gradients, in one call.
#pragma once

#include "engine/row_loss.h"

namespace cutloss {

struct CutRowsRequest : RowLoss {
  static constexpr const char* kName = "cutRows";

  // inputs
  View hidden;      // [rows, dim] row-major
  View classifier;  // [classes, dim] row-major, of hidden's dtype
  View bias;        // [classes]

  // outputs, of their inputs' dtypes; none may overlap an input
  View hidden_gradient;      // [rows, dim]
  View classifier_gradient;  // [classes, dim]
  View bias_gradient;        // [classes]

  // parameters
  int64_t dim = 0;
  int64_t workspace_bytes = 0;            // upper bound on scratch memory; 0: the engine's default
  int64_t filter_hidden = 0;              // the gradient of hidden leaves out tiles whose every softmax is below eps
  int64_t filter_classifier = 0;          // and so does that of the classifier
  double filter_eps = 0;                  // 0: filters nothing
  int64_t sort_vocabulary = 0;            // tiles gather classes by how large their logits are
  int64_t fresh_hidden_gradient = 0;      // its pages were never touched: prepare them for writing
  int64_t fresh_classifier_gradient = 0;  // likewise

  // results
  double kept_tiles = 1;  // share of the gradients' tiles that the filter kept

  bool filters() const { return filter_eps > 0 && (filter_hidden || filter_classifier); }
  bool wants_gradient() const { return hidden_gradient || classifier_gradient || bias_gradient; }
};

template <Is<CutRowsRequest> Request, class Visitor>
void fields(Request& r, Visitor&& visit) {
  visit.input("hidden", r.hidden, Accept::kFloating);
  visit.input("classifier", r.classifier, Accept::kFloating);
  visit.input("bias", r.bias, Accept::kFloating);
  row_loss_inputs(r, visit);

  visit.output("hiddenGradient", r.hidden_gradient, Accept::kFloating);
  visit.output("classifierGradient", r.classifier_gradient, Accept::kFloating);
  visit.output("biasGradient", r.bias_gradient, Accept::kFloating);
  row_loss_outputs(r, visit);

  row_loss_parameters(r, visit);
  visit.parameter("dim", r.dim);
  visit.parameter("workspaceBytes", r.workspace_bytes);
  visit.parameter("filterHidden", r.filter_hidden);
  visit.parameter("filterClassifier", r.filter_classifier);
  visit.parameter("filterEps", r.filter_eps);
  visit.parameter("sortVocabulary", r.sort_vocabulary);
  visit.parameter("freshHiddenGradient", r.fresh_hidden_gradient);
  visit.parameter("freshClassifierGradient", r.fresh_classifier_gradient);

  row_loss_results(r, visit);
  visit.result("keptTiles", r.kept_tiles);
}

/// Whether an engine may touch the memory the request names: every length, the reach of every index, no overlaps.
Status check(const CutRowsRequest& request) noexcept;

}  // namespace cutloss
