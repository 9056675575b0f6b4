// The request on cut logits in plain float64 loops: the logits are built, the rows are those of row_loops.h, and the
// gradients are sums of products. Beside each number stands how large its rounding errors may be.
#pragma once

#include "test/native/cuda/row_loops.h"

namespace cutloss::test {

struct CutCase {
  RowsCase rows;  // its logits are the products
  int dim = 1;
  std::vector<double> hidden, classifier, bias;  // as stored
  double filter_eps = 0;
  bool filter_hidden = false, filter_classifier = false;
  bool sort_vocabulary = false;
  int64_t workspace_bytes = 0;
};

/// A number, the size of what it adds up (rounded to the storage type), and by how much it moves when every product sum
/// is off by one unit of its size (rounded to float32).
struct Sum {
  double value = 0, size = 0, sway = 0;
};

struct CutAnswer {
  RowsAnswer rows;
  std::vector<double> row_sway;  // of a row's loss, lse, ...
  std::vector<Sum> hidden, classifier, bias;
};

inline CutAnswer compute(CutCase c) {
  const size_t n = static_cast<size_t>(c.rows.rows), v = static_cast<size_t>(c.rows.classes);
  const size_t d = static_cast<size_t>(c.dim);
  std::vector<double> size(n * v, 0);
  c.rows.logits.assign(n * v, 0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < v; ++j) {
      double& logit = c.rows.logits[i * v + j];
      for (size_t k = 0; k < d; ++k) {
        const double product = c.hidden[i * d + k] * c.classifier[j * d + k];
        logit += product;
        size[i * v + j] += std::fabs(product);
      }
      logit /= c.rows.temperature;
      size[i * v + j] /= c.rows.temperature;
      if (!c.bias.empty()) {
        logit += c.bias[j];
        size[i * v + j] += std::fabs(c.bias[j]);
      }
    }
  }
  const double inverse_temperature = 1 / c.rows.temperature;
  c.rows.temperature = 1;  // it has divided the products, before the bias
  CutAnswer a;
  a.rows = compute(c.rows);
  a.row_sway.assign(n, 0);
  a.hidden.resize(n * d);
  a.classifier.resize(v * d);
  a.bias.resize(v);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < v; ++j) a.row_sway[i] = std::fmax(a.row_sway[i], size[i * v + j]);
    for (size_t j = 0; j < v; ++j) {
      const double g = a.rows.gradient[i * v + j];
      const double sway = std::fabs(g) * (1 + 2 * a.row_sway[i]);
      const auto add = [&](Sum& sum, double factor) {
        sum.value += g * factor;
        sum.size += std::fabs(g * factor);
        sum.sway += sway * std::fabs(factor);
      };
      for (size_t k = 0; k < d; ++k) {
        add(a.hidden[i * d + k], inverse_temperature * c.classifier[j * d + k]);
        add(a.classifier[j * d + k], inverse_temperature * c.hidden[i * d + k]);
      }
      add(a.bias[j], 1);
    }
  }
  return a;
}

}  // namespace cutloss::test
