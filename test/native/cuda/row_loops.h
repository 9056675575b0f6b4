// The rows request in plain float64 loops, as the formulas stand in the papers: what the kernels are compared with.
#pragma once

#include <cmath>
#include <vector>

namespace cutloss::test {

struct RowsCase {
  int rows = 1, classes = 1;
  std::vector<double> logits;         // as stored
  std::vector<int> ids;               // [rows], or
  std::vector<double> probabilities;  // [rows, classes]
  std::vector<float> weights, class_weights, upstream;
  int time = 0, shift = 0, ignore_index = -100;
  double label_smoothing = 0, z_loss = 0, softcap = 0, temperature = 1;
  bool mean = true;
};

struct RowsAnswer {
  double loss = 0, counted = 0;
  std::vector<double> gradient, per_item, lse, entropy;
  std::vector<int> argmax;
};

inline RowsAnswer compute(const RowsCase& c) {
  const size_t n = static_cast<size_t>(c.rows), v = static_cast<size_t>(c.classes);
  RowsAnswer a;
  a.gradient.assign(n * v, 0);
  a.per_item.assign(n, 0);
  a.lse.assign(n, 0);
  a.entropy.assign(n, 0);
  a.argmax.assign(n, -1);
  const auto class_weight = [&](size_t j) { return c.class_weights.empty() ? 1. : c.class_weights[j]; };

  double divisor = 0;
  std::vector<double> factor(n, 0);
  for (size_t i = 0; i < n; ++i) {
    const size_t time = c.shift ? static_cast<size_t>(c.time) : 1, shift = static_cast<size_t>(c.shift);
    const bool last = c.shift && i % time + shift >= time;
    const int id = last || c.ids.empty() ? -1 : c.ids[i + shift];
    const bool counts = !last && (c.ids.empty() || id != c.ignore_index);
    const double weight = c.weights.empty() ? 1 : c.weights[i];

    std::vector<double> z(v), slope(v), t(v);
    double most = -INFINITY, sum = 0;
    for (size_t j = 0; j < v; ++j) {
      const double x = c.logits[i * v + j] / c.temperature;
      z[j] = c.softcap > 0 ? c.softcap * std::tanh(x / c.softcap) : x;
      const double cosh = c.softcap > 0 ? std::cosh(x / c.softcap) : 1;
      slope[j] = 1 / (cosh * cosh) / c.temperature;
      most = std::fmax(most, z[j]);
      if (counts && (a.argmax[i] < 0 || c.logits[i * v + j] > c.logits[i * v + static_cast<size_t>(a.argmax[i])])) {
        a.argmax[i] = static_cast<int>(j);
      }
    }
    for (size_t j = 0; j < v; ++j) sum += std::exp(z[j] - most);
    const double beyond = std::log(sum), lse = a.lse[i] = most + beyond;  // apart, for the sake of differences
    for (size_t j = 0; j < v; ++j) {
      const double p = std::exp(z[j] - most - beyond);
      a.entropy[i] -= p > 0 ? p * (z[j] - most - beyond) : 0;
    }
    if (!counts) continue;

    a.counted += 1;
    divisor += weight * (id >= 0 ? class_weight(static_cast<size_t>(id)) : 1);
    factor[i] = weight;
    double labels = 0;
    for (size_t j = 0; j < v; ++j) {
      const double given = id >= 0 ? static_cast<int>(j) == id : c.probabilities[i * v + j];
      t[j] = class_weight(j) * ((1 - c.label_smoothing) * given + c.label_smoothing / c.classes);
      labels += t[j];
      a.per_item[i] += t[j] == 0 ? 0 : t[j] * (most - z[j] + beyond);
    }
    a.per_item[i] = weight * (a.per_item[i] + c.z_loss * lse * lse);
    for (size_t j = 0; j < v; ++j) {
      // p - 1 of a target that is nearly certain, from the others
      double slack = 0;
      for (size_t k = 0; k < v && static_cast<int>(j) == id; ++k) slack += k == j ? 0 : std::exp(z[k] - most - beyond);
      const double p = std::exp(z[j] - most - beyond);
      const double pull = static_cast<int>(j) == id ? -labels * slack + (labels - t[j]) : labels * p - t[j];
      a.gradient[i * v + j] = weight * slope[j] * (pull + 2 * c.z_loss * lse * p);
    }
  }

  const double scale = !c.mean ? 1 : divisor != 0 ? 1 / divisor : 0;
  for (size_t i = 0; i < n; ++i) {
    a.loss += a.per_item[i] * scale;
    const double upstream = c.upstream.empty() ? 1 : c.upstream[i];
    for (size_t j = 0; j < v; ++j) a.gradient[i * v + j] *= scale * upstream;
  }
  return a;
}

}  // namespace cutloss::test
