// The two passes over regions in plain float64 loops, as the formulas stand in the papers: what the kernels are
// compared with. Between the passes stands the judgement that every engine shares, and that has tests of its own.
#pragma once

#include <cmath>
#include <vector>

#include "engine/region_losses.h"

namespace cutloss::test {

/// Predictions and labels are [batch, pixels, classes] here, whatever the layout of the request.
struct RegionInputs {
  std::vector<double> predictions, labels;
  std::vector<int> ids;
  std::vector<double> mask;
};

inline double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

struct Rounded {
  double exact = 0;
  double size = 0;  // of what was added up to it
};

class RegionLoops {
 public:
  RegionLoops(const RegionsRequest& request, const RegionInputs& inputs) : r_(request), in_(inputs) {}

  void add_up(RegionSums* sums) const {
    for (int64_t pixel = 0; pixel < r_.batch * r_.pixels; ++pixel) {
      const double m = weight(pixel);
      if (m == 0) continue;
      const int64_t row = image_row(r_, pixel / r_.pixels);
      const Pixel x = read(pixel);
      PixelSums& own = sums->images[row];
      own.weight += m;
      own.cross_entropy += m * x.cross_entropy;
      own.focal += m * x.focal;
      for (int64_t c = 0; c < r_.classes; ++c) {
        const double q = transformed(x.p[c], x.rest[c]).value, y = x.y[c];
        sums->cells[row * r_.classes + c].add({q * y, q, y, q * q, y * y, std::fmin(q, y), 1}, m);
      }
    }
  }

  std::vector<Rounded> gradient(const RegionSlopeTable& table) const {
    std::vector<Rounded> gradient(in_.predictions.size());
    for (int64_t pixel = 0; pixel < r_.batch * r_.pixels; ++pixel) {
      const double m = weight(pixel);
      if (m == 0) continue;
      const int64_t row = image_row(r_, pixel / r_.pixels);
      const Pixel x = read(pixel);
      const PixelFactors f = table.images[row];
      std::vector<Rounded> g(r_.classes);
      Rounded mean, pull;
      for (int64_t c = 0; c < r_.classes; ++c) {
        const CellSlopes s = table.cells[row * r_.classes + c];
        const Transformed q = transformed(x.p[c], x.rest[c]);
        const double y = x.y[c], parts[] = {s.a * y, s.b, 2 * s.c * q.value, s.d * (0.5 - 0.5 * sign(q.value - y))};
        for (const double part : parts) {
          g[c].exact += q.slope * part;
          g[c].size += q.conditioning * std::fabs(q.slope * part);
        }
        g[c].size += q.conditioning * std::fabs(q.slope * parts[2]);  // the prediction's rounding once more
        mean.exact += x.p[c] * g[c].exact;
        mean.size += std::fabs(x.p[c] * g[c].size);
        const Rounded v = pull_of(x, c, f);
        pull.exact += v.exact;
        pull.size += v.size;
      }
      for (int64_t c = 0; c < r_.classes; ++c) {
        Rounded& to = gradient[pixel * r_.classes + c];
        const double p = x.p[c];
        if (softmax()) {
          const Rounded v = pull_of(x, c, f);
          to.exact = m * (p * (g[c].exact - mean.exact + pull.exact) - v.exact);
          const double roundings = 2;  // of p: the exponential and the sum's reciprocal
          to.size = m * (roundings * std::fabs(p) * (g[c].size + mean.size + pull.size) + v.size);
        } else {
          const double slope = sigmoid() ? p * x.rest[c] : 1, roundings = sigmoid() ? 2 : 1;  // of p, and of 1 - p
          const double own = f.cross_entropy * x.cross_entropy_slope[c] + f.focal * x.focal_slope[c];
          to.exact = m * (slope * g[c].exact + own);
          to.size =
              m * (roundings * std::fabs(slope) * g[c].size + std::fabs(f.cross_entropy * x.cross_entropy_slope[c]) +
                   std::fabs(f.focal) * x.focal_slope_size[c]);
        }
      }
    }
    return gradient;
  }

 private:
  struct Pixel {
    std::vector<double> p, rest, y;
    std::vector<double> focal_weight;                                        // softmax
    std::vector<double> cross_entropy_slope, focal_slope, focal_slope_size;  // sigmoid
    double cross_entropy = 0, focal = 0;
  };
  struct Transformed {
    double value, slope;
    double conditioning;  // how many times the rounding of p comes back in it, whoever computes it
  };
  struct Term {
    double value, weight;  // weight: -dvalue / dlog p
  };

  /// y v, with v the weight of a class's own terms. A power multiplies the rounding of what it is taken of.
  Rounded pull_of(const Pixel& x, int64_t c, const PixelFactors& f) const {
    const double entropy = x.y[c] * f.cross_entropy, focal = x.y[c] * f.focal * x.focal_weight[c];
    return {entropy + focal, std::fabs(entropy) + (1 + r_.focal_gamma_positive) * std::fabs(focal)};
  }

  bool softmax() const { return r_.activation == int(Activation::kSoftmax); }
  bool sigmoid() const { return r_.activation == int(Activation::kSigmoid); }
  static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

  double weight(int64_t pixel) const {
    const bool ignored = !r_.soft_targets && r_.ignores && in_.ids[pixel] == r_.ignore_index;
    return ignored ? 0 : in_.mask.empty() ? 1 : in_.mask[pixel];
  }

  static Term focal_term(double p, double rest, double minus_log_p, double gamma) {
    if (gamma == 0) return {minus_log_p, 1};
    const double ratio = rest < 1e-300 ? 1 : minus_log_p / rest;
    return {std::pow(rest, gamma) * minus_log_p, std::pow(rest, gamma) * (1 + (p == 0 ? 0 : gamma * p * ratio))};
  }

  Transformed transformed(double p, double rest) const {
    const double alpha = r_.transform_parameter;
    switch (static_cast<math::RegionTransform>(r_.transform)) {
      case math::RegionTransform::kSelfAdjusting: {
        const double slope = rest - alpha * p;
        const double conditioning = 1 + std::fabs(alpha - 1) * p / rest + (1 + alpha) * p / std::fabs(slope);
        return {std::pow(rest, alpha) * p, std::pow(rest, alpha - 1) * slope, conditioning};
      }
      case math::RegionTransform::kSteep: {
        const double q = 1 / (1 + std::exp(-alpha * (p - 0.5)));
        return {q, alpha * q * (1 - q), 1 + alpha * p};
      }
      default: return {p, 1, 1};
    }
  }

  Pixel read(int64_t pixel) const {
    const size_t n = r_.classes;
    Pixel x;
    x.p.resize(n), x.rest.resize(n), x.y.resize(n), x.focal_weight.resize(n);
    x.cross_entropy_slope.resize(n), x.focal_slope.resize(n), x.focal_slope_size.resize(n);
    const double* z = in_.predictions.data() + pixel * r_.classes;
    for (size_t c = 0; c < n; ++c) {
      x.y[c] = r_.soft_targets ? in_.labels[pixel * n + c] : in_.ids[pixel] == static_cast<int>(c);
    }
    softmax() ? read_softmax(z, &x) : read_each(z, &x);
    if (r_.cross_entropy == 0 && r_.focal == 0) x.cross_entropy = 0;  // not asked for
    return x;
  }

  void read_softmax(const double* z, Pixel* x) const {
    const size_t n = r_.classes;
    double most = -INFINITY, sum = 0;
    for (size_t c = 0; c < n; ++c) most = std::fmax(most, z[c]);
    for (size_t c = 0; c < n; ++c) sum += std::exp(z[c] - most);
    for (size_t c = 0; c < n; ++c) {
      double others = 0;
      for (size_t k = 0; k < n; ++k) others += k == c ? 0 : std::exp(z[k] - most);
      x->p[c] = std::exp(z[c] - most) / sum;
      x->rest[c] = others / sum;
      if (x->y[c] == 0) continue;
      const double e = std::exp(z[c] - most);
      const double minus_log_p = e > 1e-300 ? std::log1p(others / e) : most - z[c] + std::log(sum);
      const double alpha = c == 0 ? r_.focal_negative : r_.focal_positive;
      const Term term = focal_term(x->p[c], x->rest[c], minus_log_p, r_.focal_gamma_positive);
      x->cross_entropy += x->y[c] * minus_log_p;
      if (r_.focal == 0) continue;
      x->focal += alpha * x->y[c] * term.value;
      x->focal_weight[c] = alpha * term.weight;
    }
  }

  void read_each(const double* z, Pixel* x) const {
    for (int64_t c = 0; c < r_.classes; ++c) {
      const double p = x->p[c] = sigmoid() ? math::sigmoid(z[c]) : z[c];
      const double rest = x->rest[c] = sigmoid() ? math::sigmoid(-z[c]) : 1 - z[c];
      if (!sigmoid()) continue;
      const double y = x->y[c], minus_log_p = softplus(-z[c]), minus_log_rest = softplus(z[c]);
      x->cross_entropy += y * minus_log_p + (1 - y) * minus_log_rest;
      x->cross_entropy_slope[c] = p * (1 - y) - rest * y;
      if (r_.focal == 0) continue;
      const Term yes = focal_term(p, rest, minus_log_p, r_.focal_gamma_positive);
      const double pm = r_.focal_margin > 0 ? std::fmax(0, p - r_.focal_margin) : p;
      const double rest_m = r_.focal_margin > 0 ? 1 - pm : rest;
      const Term no =
          focal_term(rest_m, pm, r_.focal_margin > 0 ? -std::log1p(-pm) : minus_log_rest, r_.focal_gamma_negative);
      const double moved = r_.focal_margin > 0 ? (pm > 0 ? p * rest / rest_m : 0) : p;
      x->focal += r_.focal_positive * y * yes.value + r_.focal_negative * (1 - y) * no.value;
      const double down = r_.focal_negative * (1 - y) * no.weight * moved,
                   up = r_.focal_positive * y * yes.weight * rest;
      x->focal_slope[c] = down - up;
      x->focal_slope_size[c] =
          (1 + r_.focal_gamma_negative) * std::fabs(down) + (1 + r_.focal_gamma_positive) * std::fabs(up);
    }
  }

  const RegionsRequest& r_;
  const RegionInputs& in_;
};

}  // namespace cutloss::test
