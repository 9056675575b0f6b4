// A small call of each kind of loss on rows, with all that it computes.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/engine.h"

namespace cutloss::test {

inline constexpr int kRows = 5, kClasses = 11;

inline View host(void* data, size_t size, DType dtype) {
  View view;
  view.data = data;
  view.size = static_cast<int64_t>(size);
  view.dtype = dtype;
  view.given = true;
  return view;
}

inline bool all_untouched(const std::vector<float>& gradient) {
  return std::all_of(gradient.begin(), gradient.end(), [](float g) { return g == -7; });
}

struct RowsCall {
  std::vector<float> logits = std::vector<float>(kRows * kClasses, 0.25f);
  std::vector<float> gradient = std::vector<float>(kRows * kClasses, -7);
  std::vector<int32_t> targets = {0, 3, 10, 2, 2};
  Request request = RowsRequest{};

  Status run(Engine& engine, Cancel& cancel) { return engine.run(prepared(), cancel); }
  Request& prepared() {
    RowsRequest& r = std::get<RowsRequest>(request);
    r.logits = host(logits.data(), logits.size(), DType::kFloat32);
    r.targets = host(targets.data(), targets.size(), DType::kInt32);
    r.gradient = host(gradient.data(), gradient.size(), DType::kFloat32);
    r.rows = kRows;
    r.classes = kClasses;
    return request;
  }
  double loss() const { return std::get<RowsRequest>(request).loss; }
  bool untouched() const { return all_untouched(gradient); }
  bool operator==(const RowsCall& other) const { return gradient == other.gradient && loss() == other.loss(); }
};

struct CutCall {
  static constexpr int kDim = 8;
  std::vector<float> hidden = numbers(kRows * kDim, 3), classifier = numbers(kClasses * kDim, 5);
  std::vector<float> hidden_gradient = std::vector<float>(kRows * kDim, -7);
  std::vector<float> classifier_gradient = std::vector<float>(kClasses * kDim, -7);
  std::vector<int32_t> targets = {0, 3, 10, 2, 2};
  Request request = CutRowsRequest{};

  static std::vector<float> numbers(size_t count, unsigned step) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * step % 17) / 8 - 1;
    return values;
  }
  Status run(Engine& engine, Cancel& cancel) { return engine.run(prepared(), cancel); }
  Request& prepared() {
    CutRowsRequest& r = std::get<CutRowsRequest>(request);
    r.hidden = host(hidden.data(), hidden.size(), DType::kFloat32);
    r.classifier = host(classifier.data(), classifier.size(), DType::kFloat32);
    r.targets = host(targets.data(), targets.size(), DType::kInt32);
    r.hidden_gradient = host(hidden_gradient.data(), hidden_gradient.size(), DType::kFloat32);
    r.classifier_gradient = host(classifier_gradient.data(), classifier_gradient.size(), DType::kFloat32);
    r.rows = kRows;
    r.classes = kClasses;
    r.dim = kDim;
    return request;
  }
  double loss() const { return std::get<CutRowsRequest>(request).loss; }
  bool untouched() const { return all_untouched(hidden_gradient) && all_untouched(classifier_gradient); }
  bool operator==(const CutCall& other) const {
    return hidden_gradient == other.hidden_gradient && classifier_gradient == other.classifier_gradient &&
           loss() == other.loss();
  }
};

}  // namespace cutloss::test
