// Losses on cut logits on small ragged shapes, in every storage type, through the engine as the binding calls it,
// against float64 loops. Half of the cases leave their views in host memory, half put them on the GPU.
#include <cstring>
#include <limits>
#include <string_view>

#include "test/native/cuda/cut_loops.h"
#include "test/native/cuda/on_gpu.h"
#ifdef CUTLOSS_EMULATED
#include "cuda/emulated/runtime/tensor_flops.h"
#endif

using namespace cutloss;
using namespace cutloss::test;

namespace {

template <class T>
void round_to(std::vector<double>& values) {
  for (double& x : values) {
    T stored;
    math::narrow(static_cast<float>(x), &stored);
    x = math::widen(stored);
  }
}

/// What a request writes.
template <class T>
struct Outputs {
  std::vector<T> hidden, classifier, bias;
  std::vector<float> per_item, log_prob, lse, entropy;
  std::vector<int32_t> argmax;
  double loss = 0, counted = 0, kept_tiles = 0;
};

struct Asked {
  bool hidden = true, classifier = true, bias = true;
  bool outputs = true;
};

template <class T>
Status run(const CutCase& c, const Asked& asked, bool on_gpu, Outputs<T>* found) {
  const RowsCase& rows = c.rows;
  const size_t n = static_cast<size_t>(rows.rows);
  Memory<T> hidden(narrow<T>(c.hidden), on_gpu), classifier(narrow<T>(c.classifier), on_gpu);
  Memory<T> bias(narrow<T>(c.bias), on_gpu);
  Memory<int32_t> ids(std::vector<int32_t>(rows.ids.begin(), rows.ids.end()), on_gpu);
  Memory<float> weights(rows.weights, on_gpu), class_weights(rows.class_weights, on_gpu);
  Memory<float> upstream(rows.upstream, on_gpu);
  Memory<T> hidden_gradient(std::vector<T>(asked.hidden ? c.hidden.size() : 0), on_gpu);
  Memory<T> classifier_gradient(std::vector<T>(asked.classifier ? c.classifier.size() : 0), on_gpu);
  Memory<T> bias_gradient(std::vector<T>(asked.bias ? c.bias.size() : 0), on_gpu);
  const auto per_row = [&](auto zero) { return std::vector<decltype(zero)>(asked.outputs ? n : 0); };
  Memory<float> per_item(per_row(0.f), on_gpu), log_prob(per_row(0.f), on_gpu), lse(per_row(0.f), on_gpu);
  Memory<float> entropy(per_row(0.f), on_gpu);
  Memory<int32_t> argmax(per_row(int32_t{0}), on_gpu);

  Request request = CutRowsRequest{};
  CutRowsRequest& r = std::get<CutRowsRequest>(request);
  constexpr DType kType = Storage<T>::kDType;
  r.hidden = hidden.view(kType);
  r.classifier = classifier.view(kType);
  r.bias = bias.view(kType);
  r.targets = ids.view(DType::kInt32);
  r.weights = weights.view(DType::kFloat32);
  r.class_weights = class_weights.view(DType::kFloat32);
  r.upstream = upstream.view(DType::kFloat32);
  r.hidden_gradient = hidden_gradient.view(kType);
  r.classifier_gradient = classifier_gradient.view(kType);
  r.bias_gradient = bias_gradient.view(kType);
  r.per_item = per_item.view(DType::kFloat32);
  r.log_prob = log_prob.view(DType::kFloat32);
  r.lse = lse.view(DType::kFloat32);
  r.entropy = entropy.view(DType::kFloat32);
  r.argmax = argmax.view(DType::kInt32);
  r.rows = rows.rows;
  r.classes = rows.classes;
  r.dim = c.dim;
  r.time = rows.time;
  r.shift = rows.shift;
  r.ignore_index = rows.ignore_index;
  r.label_smoothing = rows.label_smoothing;
  r.z_loss = rows.z_loss;
  r.softcap = rows.softcap;
  r.temperature = rows.temperature;
  r.reduction = rows.mean ? 0 : 2;
  r.filter_eps = c.filter_eps;
  r.filter_hidden = c.filter_hidden;
  r.filter_classifier = c.filter_classifier;
  r.sort_vocabulary = c.sort_vocabulary;
  r.workspace_bytes = c.workspace_bytes;
  Cancel cancel;
  const Status status = gpu()->run(request, cancel);
  *found = {hidden_gradient.fetch(),
            classifier_gradient.fetch(),
            bias_gradient.fetch(),
            per_item.fetch(),
            log_prob.fetch(),
            lse.fetch(),
            entropy.fetch(),
            argmax.fetch(),
            r.loss,
            r.counted,
            r.kept_tiles};
  return status;
}

template <class T>
void expect_sums(const char* name, const std::vector<T>& found, const std::vector<Sum>& exact) {
  using S = Storage<T>;
  for (size_t i = 0; i < found.size(); ++i) {
    const Sum& e = exact[i];
    const double allowed = 4 * std::fmax(e.size * S::kHalfUnit, S::kSmallest) + 4 * e.sway * 0x1p-24 + 0x1p-126;
    if (!CHECK(std::fabs(math::widen(found[i]) - e.value) <= allowed)) {
      std::printf("  %s %zu: %.9g instead of %.9g, off by %.2g of what is allowed\n", name, i,
                  double(math::widen(found[i])), e.value, std::fabs(math::widen(found[i]) - e.value) / allowed);
    }
  }
}

void expect_rows(const char* name, const std::vector<float>& found, const std::vector<double>& exact,
                 const CutAnswer& answer) {
  for (size_t i = 0; i < found.size(); ++i) {
    const double allowed = 4 * (std::fabs(exact[i]) + answer.row_sway[i]) * 0x1p-24 + 0x1p-126;
    if (!CHECK(std::fabs(found[i] - exact[i]) <= allowed)) {
      std::printf("  %s %zu: %.9g instead of %.9g\n", name, i, double(found[i]), exact[i]);
    }
  }
}

template <class T>
void check_case(CutCase c, bool on_gpu) {
  round_to<T>(c.hidden);
  round_to<T>(c.classifier);
  round_to<T>(c.bias);
  const CutAnswer exact = compute(c);
  Outputs<T> found;
  const Status status = run<T>(c, {}, on_gpu, &found);
  if (!CHECK(status.ok())) {
    std::printf("%s\n", status.message);
    return;
  }
  CHECK(found.counted == exact.rows.counted);
  double sway = 0;
  for (const double s : exact.row_sway) sway = std::fmax(sway, s);
  CHECK(std::fabs(found.loss - exact.rows.loss) <= 4 * (std::fabs(exact.rows.loss) + sway) * 0x1p-24);
  expect_rows("loss of row", found.per_item, exact.rows.per_item, exact);
  expect_rows("lse of row", found.lse, exact.rows.lse, exact);
  expect_rows("entropy of row", found.entropy, exact.rows.entropy, exact);
  for (size_t i = 0; i < found.argmax.size(); ++i) CHECK(found.argmax[i] == exact.rows.argmax[i]);
  expect_sums("hidden gradient", found.hidden, exact.hidden);
  expect_sums("classifier gradient", found.classifier, exact.classifier);
  expect_sums("bias gradient", found.bias, exact.bias);
}

CutCase plain(int rows, int classes, int dim, Numbers& random) {
  CutCase c;
  c.dim = dim;
  c.rows.rows = rows;
  c.rows.classes = classes;
  for (int i = 0; i < rows * dim; ++i) c.hidden.push_back(random.normal() / 3);
  for (int i = 0; i < classes * dim; ++i) c.classifier.push_back(random.normal() / std::sqrt(dim));
  for (int i = 0; i < rows; ++i)
    c.rows.ids.push_back(random.below(9) == 0 ? c.rows.ignore_index : random.below(classes));
  return c;
}

CutCase everything(int rows, int classes, int dim, Numbers& random) {
  CutCase c = plain(rows, classes, dim, random);
  for (int j = 0; j < classes; ++j) {
    c.bias.push_back(random.normal());
    c.rows.class_weights.push_back(static_cast<float>(std::fabs(random.normal())) + 0.1f);
  }
  for (int i = 0; i < rows; ++i) {
    c.rows.weights.push_back(static_cast<float>(std::fabs(random.normal())) + 0.1f);
    c.rows.upstream.push_back(static_cast<float>(random.normal()));
  }
  c.rows.mean = false;
  c.rows.label_smoothing = 0.1;
  c.rows.z_loss = 1e-2;
  c.rows.softcap = 8;
  c.rows.temperature = 0.7;
  return c;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
Outputs<T> found_by(const CutCase& c, const Asked& asked) {
  Outputs<T> found;
  CHECK(run<T>(c, asked, true, &found).ok());
  return found;
}

/// Again, with one input frozen, and with a filter that drops nothing: the same bits.
template <class T>
void check_bits(CutCase c) {
  const Outputs<T> all = found_by<T>(c, {}), again = found_by<T>(c, {});
  CHECK(all.loss == again.loss && same_bits(all.hidden, again.hidden) && same_bits(all.classifier, again.classifier) &&
        same_bits(all.bias, again.bias) && same_bits(all.entropy, again.entropy));
  CHECK(same_bits(found_by<T>(c, {.classifier = false, .bias = false}).hidden, all.hidden));
  CHECK(same_bits(found_by<T>(c, {.hidden = false, .outputs = false}).classifier, all.classifier));
  c.filter_hidden = c.filter_classifier = true;
  const Outputs<T> unfiltered = found_by<T>(c, {});
  CHECK(same_bits(unfiltered.hidden, all.hidden) && same_bits(unfiltered.classifier, all.classifier));
  CHECK(unfiltered.kept_tiles == 1);
}

/// A filter loses no more than what it may: softmax below eps.
template <class T>
void check_filter(CutCase c, double eps, double least_kept, double most_kept) {
  round_to<T>(c.hidden);
  round_to<T>(c.classifier);
  const CutAnswer exact = compute(c);
  c.filter_hidden = c.filter_classifier = true;
  c.filter_eps = eps;
  const Outputs<T> found = found_by<T>(c, {});
  CHECK(found.kept_tiles >= least_kept && found.kept_tiles <= most_kept);
  const size_t v = static_cast<size_t>(c.rows.classes), d = static_cast<size_t>(c.dim);
  for (size_t i = 0; i < exact.hidden.size(); ++i) {
    double lost = 0;
    for (size_t j = 0; j < v; ++j) {
      const double g = std::fabs(exact.rows.gradient[i / d * v + j]) * static_cast<double>(exact.rows.counted);
      if (g < eps) lost += g / exact.rows.counted * std::fabs(c.classifier[j * d + i % d]);
    }
    const double allowed = 4 * std::fmax(exact.hidden[i].size * Storage<T>::kHalfUnit, Storage<T>::kSmallest) +
                           4 * exact.hidden[i].sway * 0x1p-24 + lost;
    CHECK(std::fabs(math::widen(found.hidden[i]) - exact.hidden[i].value) <= allowed);
  }
}

/// Rows that each look at one part of the vocabulary: tiles far from it hold nothing above eps.
CutCase clustered(int rows, int classes, int dim, Numbers& random) {
  CutCase c = plain(rows, classes, dim, random);
  c.bias.assign(static_cast<size_t>(classes), 0.25);
  for (int i = 0; i < rows; ++i) c.hidden[static_cast<size_t>(i * dim + i * dim / rows / 2)] = 8;
  for (int j = 0; j < classes; ++j) {
    for (int k = 0; k < dim; ++k) c.classifier[static_cast<size_t>(j * dim + k)] *= 0.1;
    c.classifier[static_cast<size_t>(j * dim + int64_t{j} * dim / classes)] = 4;
  }
  return c;
}

/// What the tensor cores did so far, if anybody counts: on a real GPU nobody does.
uint64_t flops() {
#ifdef CUTLOSS_EMULATED
  return emulated::tensor_flops;
#else
  return 0;
#endif
}

template <class T>
Outputs<T> found_by(const CutCase& c, const Asked& asked, uint64_t* work) {
  const uint64_t before = flops();
  Outputs<T> found = found_by<T>(c, asked);
  *work = flops() - before;
  return found;
}

/// Tiles that the filter empties are not computed again; the gradients are those of all tiles, to the bit. (A gradient
/// of the bias asks for every tile.)
template <class T>
void check_skipping(CutCase c) {
  c.filter_hidden = c.filter_classifier = true;
  for (const int64_t workspace : {int64_t{0}, int64_t{1}}) {
    c.workspace_bytes = workspace;
    c.filter_eps = 1e-3;
    uint64_t skipping, computing, nothing, forward;
    const Outputs<T> skipped = found_by<T>(c, {.bias = false}, &skipping), all = found_by<T>(c, {}, &computing);
    CHECK(same_bits(skipped.hidden, all.hidden) && same_bits(skipped.classifier, all.classifier));
    CHECK(skipped.loss == all.loss && skipped.kept_tiles == all.kept_tiles);
    CHECK(skipped.kept_tiles > 0 && skipped.kept_tiles < 0.8);
    const bool stores = workspace == 0;  // logits that are not computed again anyway
    CHECK(stores ? skipping == computing : skipping < computing || computing == 0);
    c.filter_eps = 1;
    CHECK(found_by<T>(c, {.bias = false}, &nothing).kept_tiles == 0);
    found_by<T>(c, {.hidden = false, .classifier = false, .bias = false}, &forward);
    CHECK(nothing == forward);
  }
}

/// In an order of its own, with nothing left out: the same results in the places of the vocabulary, the first of equal
/// logits included.
template <class T>
void check_sorted(CutCase c) {
  c.filter_hidden = c.filter_classifier = c.sort_vocabulary = true;
  c.filter_eps = 1e-30;
  for (int k = 0; k < c.dim; ++k) c.hidden[static_cast<size_t>(c.dim + k)] = 0;  // a row whose logits are the bias
  for (size_t j = 3; j < c.bias.size(); j += 2) c.bias[j] = c.bias[3];
  if (!c.bias.empty()) c.bias[3] = c.bias.back() = c.bias[5] = 20;
  check_case<T>(c, true);
  c.workspace_bytes = int64_t{1} << 15;  // computed again, in chunks
  check_case<T>(c, false);
}

/// Classes that belong together lie apart: sorted, they share tiles.
template <class T>
void check_sorting_skips(CutCase c, Numbers& random) {
  const int classes = c.rows.classes, dim = c.dim;
  for (int i = 0; i < c.rows.rows; ++i) {
    for (int k = 0; k < dim; ++k) c.hidden[static_cast<size_t>(i * dim + k)] = 0.1 * random.normal() + (k == 0 ? 4 : 0);
  }
  for (int j = 0; j < classes; ++j) c.classifier[static_cast<size_t>(j * dim)] = j % 9 == 4 ? 4 : 0;
  c.filter_hidden = c.filter_classifier = true;
  c.filter_eps = 1e-4;
  c.workspace_bytes = int64_t{1} << 20;
  uint64_t plain, sorted;
  const Outputs<T> unsorted = found_by<T>(c, {.bias = false}, &plain);
  c.sort_vocabulary = true;
  const Outputs<T> gathered = found_by<T>(c, {.bias = false}, &sorted);
  CHECK(unsorted.kept_tiles > 0.9 && gathered.kept_tiles < 0.5);
  CHECK(sorted < plain || plain == 0);
}

/// Bounds of z say nothing about labels that weights make large, nor where numbers are none.
template <class T>
void check_kept_labels(CutCase c) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  c.filter_hidden = c.filter_classifier = true;
  c.filter_eps = 1e-3;
  c.rows.label_smoothing = 0.5;
  CHECK(found_by<T>(c, {.bias = false}).kept_tiles < 0.8);
  c.rows.class_weights.assign(static_cast<size_t>(c.rows.classes), 1);
  c.rows.class_weights.back() = 2000;  // its label is more than eps in every row
  c.rows.mean = false;
  const Outputs<T> weighted = found_by<T>(c, {.bias = false});
  const CutAnswer exact = compute(c);
  const size_t last = exact.classifier.size() - 1;
  CHECK(std::fabs(math::widen(weighted.classifier[last]) - exact.classifier[last].value) <=
        0.02 * exact.classifier[last].size);
  c.rows.class_weights.clear();
  c.rows.label_smoothing = 0;
  c.hidden[0] = nan;
  const Outputs<T> poisoned = found_by<T>(c, {.classifier = false, .bias = false});
  const size_t d = static_cast<size_t>(c.dim);
  for (size_t i = 0; i < poisoned.hidden.size(); ++i) {
    const float g = math::widen(poisoned.hidden[i]);
    CHECK((g != g) == (i < d && c.rows.ids[0] >= 0));
  }
}

/// What stands in a row that does not count reaches nothing but that row's lse.
template <class T>
void check_ignored_nan(CutCase c) {
  c.rows.ids[1] = c.rows.ignore_index;
  const Outputs<T> clean = found_by<T>(c, {});
  c.hidden[static_cast<size_t>(c.dim) + 1] = std::numeric_limits<double>::quiet_NaN();
  const Outputs<T> found = found_by<T>(c, {});
  CHECK(found.loss == clean.loss && same_bits(found.hidden, clean.hidden) && same_bits(found.bias, clean.bias) &&
        same_bits(found.classifier, clean.classifier));
  CHECK(found.lse[1] != found.lse[1] && found.lse[0] == clean.lse[0]);
}

/// Infinities of such a row stay in it also where a softcap hides them; and no weight reaches its gradient.
template <class T>
void check_ignored_row(CutCase c) {
  c.rows.ids[1] = c.rows.ignore_index;
  c.rows.ids[9] = 0;  // in the other half of the same lanes
  const Outputs<T> clean = found_by<T>(c, {});
  for (int k = 0; k < c.dim; ++k) c.hidden[static_cast<size_t>(c.dim + k)] = INFINITY;
  const Outputs<T> found = found_by<T>(c, {});
  CHECK(same_bits(found.hidden, clean.hidden) && same_bits(found.classifier, clean.classifier));
  c.rows.class_weights[0] = std::numeric_limits<float>::quiet_NaN();
  const Outputs<T> unweighted = found_by<T>(c, {});
  const size_t d = static_cast<size_t>(c.dim);
  for (size_t k = 0; k < d; ++k) {
    CHECK(math::widen(unweighted.hidden[d + k]) == 0);
    CHECK(math::widen(unweighted.hidden[9 * d + k]) != math::widen(unweighted.hidden[9 * d + k]));
  }
}

template <class T>
void check_type(Numbers& random) {
  check_case<T>(plain(5, 130, 40, random), false);
  check_case<T>(plain(130, 70, 72, random), true);
  check_case<T>(plain(3, 300, 7, random), true);
  check_case<T>(everything(20, 200, 136, random), true);
  check_case<T>(everything(17, 1, 65, random), false);

  CutCase chunks = everything(140, 520, 24, random);
  chunks.workspace_bytes = 1;
  check_case<T>(chunks, true);
  check_bits<T>(chunks);
  check_ignored_nan<T>(chunks);
  check_ignored_nan<T>(everything(3, 20, 16, random));
  check_ignored_row<T>(everything(20, 200, 16, random));
  check_skipping<T>(clustered(150, 700, 24, random));
  CutCase skipping = clustered(150, 700, 24, random);
  skipping.rows.softcap = 30;
  skipping.rows.temperature = 0.9;
  skipping.rows.z_loss = 1e-3;
  skipping.rows.label_smoothing = 1e-2;
  check_skipping<T>(skipping);
  check_kept_labels<T>(clustered(150, 700, 24, random));
  check_sorted<T>(everything(20, 200, 16, random));
  check_sorted<T>(plain(20, 300, 7, random));
  check_sorting_skips<T>(plain(40, 900, 16, random), random);
  check_filter<T>(plain(40, 260, 16, random), 0x1p-1, 0.01, 0.99);
  check_filter<T>(plain(40, 260, 16, random), 1, 0, 0);
  chunks.rows.shift = 2;
  chunks.rows.time = 20;
  chunks.workspace_bytes = 0;
  check_case<T>(chunks, false);
}

}  // namespace

// On the emulated GPU CUTLOSS_EMULATED_COMPUTE_CAPABILITY chooses between the paths of mma.sync (80) and wgmma (90),
// for the types of 16 bits: with the argument 16-bit, those only.
int main(int argc, char** argv) {
  if (!CHECK(gpu() != nullptr)) return 1;
  Numbers random(7);
  if (argc < 2 || std::string_view(argv[1]) != "16-bit") check_type<float>(random);
  check_type<Half>(random);
  check_type<BFloat16>(random);
  return cutloss::test::finish("cut_kernels");
}
