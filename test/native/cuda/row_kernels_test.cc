// The rows kernels on small ragged shapes, in every storage type, through the engine as the binding calls it, against
// float64 loops. Half of the cases leave their views in host memory, half put them on the GPU.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/engine.h"
#include "math/float16.h"
#include "math/rows/objectives.h"
#include "test/native/cuda/on_gpu.h"
#include "test/native/cuda/row_loops.h"

using namespace cutloss;
using namespace cutloss::test;

namespace {

enum class Mode { kValue, kGradient, kInPlace, kOutputs };

template <class T>
void run(RowsCase c, Mode mode, bool on_gpu) {
  for (double& z : c.logits) {
    T stored;
    math::narrow(static_cast<float>(z), &stored);
    z = math::widen(stored);
  }
  const RowsAnswer exact = test::compute(c);
  const size_t rows = static_cast<size_t>(c.rows);
  const bool outputs = mode == Mode::kOutputs;

  Memory<T> logits(narrow<T>(c.logits), on_gpu), probabilities(narrow<T>(c.probabilities), on_gpu);
  Memory<int32_t> ids(std::vector<int32_t>(c.ids.begin(), c.ids.end()), on_gpu);
  Memory<float> weights(c.weights, on_gpu), class_weights(c.class_weights, on_gpu), upstream(c.upstream, on_gpu);
  Memory<T> gradient(std::vector<T>(mode == Mode::kGradient || outputs ? c.logits.size() : 0), on_gpu);
  Memory<float> per_item(std::vector<float>(outputs ? rows : 0), on_gpu);
  Memory<float> lse(std::vector<float>(outputs ? rows : 0), on_gpu),
      entropy(std::vector<float>(outputs ? rows : 0), on_gpu);
  Memory<int32_t> argmax(std::vector<int32_t>(outputs ? rows : 0), on_gpu);

  Request request = RowsRequest{};
  RowsRequest& r = std::get<RowsRequest>(request);
  r.logits = logits.view(Storage<T>::kDType);
  r.targets = c.ids.empty() ? probabilities.view(Storage<T>::kDType) : ids.view(DType::kInt32);
  r.weights = weights.view(DType::kFloat32);
  r.class_weights = class_weights.view(DType::kFloat32);
  r.upstream = upstream.view(DType::kFloat32);
  r.gradient = mode == Mode::kInPlace ? r.logits : gradient.view(Storage<T>::kDType);
  r.per_item = per_item.view(DType::kFloat32);
  r.lse = lse.view(DType::kFloat32);
  r.entropy = entropy.view(DType::kFloat32);
  r.argmax = argmax.view(DType::kInt32);
  r.rows = c.rows;
  r.classes = c.classes;
  r.time = c.time;
  r.shift = c.shift;
  r.ignore_index = c.ignore_index;
  r.label_smoothing = c.label_smoothing;
  r.z_loss = c.z_loss;
  r.softcap = c.softcap;
  r.temperature = c.temperature;
  r.reduction = c.mean ? 0 : 2;
  Cancel cancel;
  const Status status = gpu()->run(request, cancel);
  if (!CHECK(status.ok())) {
    std::printf("%s\n", status.message);
    return;
  }

  CHECK(r.counted == exact.counted);
  CHECK(close<float>(r.loss, exact.loss));
  const auto all = [&]<class S>(Memory<S>& memory, const std::vector<double>& wanted) {
    const std::vector<S>& found = memory.fetch();
    for (size_t i = 0; i < found.size(); ++i) {
      if (!CHECK(close<S>(math::widen(found[i]), wanted[i]))) {
        std::printf("  element %zu: %.9g instead of %.9g\n", i, double(math::widen(found[i])), wanted[i]);
      }
    }
  };
  if (mode == Mode::kInPlace) all(logits, exact.gradient);
  all(gradient, exact.gradient);
  all(per_item, exact.per_item);
  all(lse, exact.lse);
  all(entropy, exact.entropy);
  const std::vector<int32_t>& largest = argmax.fetch();
  for (size_t i = 0; i < largest.size(); ++i) CHECK(largest[i] == exact.argmax[i]);
}

RowsCase plain(int rows, int classes, Numbers& random) {
  RowsCase c;
  c.rows = rows;
  c.classes = classes;
  c.logits.resize(static_cast<size_t>(rows) * static_cast<size_t>(classes));
  for (double& z : c.logits) z = random.normal();
  c.ids.resize(static_cast<size_t>(rows));
  for (int& id : c.ids) id = random.below(9) == 0 ? c.ignore_index : random.below(classes);
  return c;
}

RowsCase everything(int rows, int classes, Numbers& random) {
  RowsCase c = plain(rows, classes, random);
  for (int i = 0; i < rows; ++i) {
    c.weights.push_back(static_cast<float>(std::fabs(random.normal())) + 0.1f);
    c.upstream.push_back(static_cast<float>(random.normal()));
  }
  for (int j = 0; j < classes; ++j) c.class_weights.push_back(static_cast<float>(std::fabs(random.normal())) + 0.1f);
  c.mean = false;
  c.label_smoothing = 0.1;
  c.z_loss = 1e-2;
  c.softcap = 8;
  c.temperature = 0.7;
  return c;
}

/// Logits that rise along the row: every thread finds a new maximum far above its last.
RowsCase rising(int rows, int classes, Numbers& random) {
  RowsCase c = plain(rows, classes, random);
  for (size_t i = 0; i < c.logits.size(); ++i) {
    c.logits[i] += 700.0 * static_cast<double>(i % static_cast<size_t>(classes)) / classes - 300;
  }
  return c;
}

RowsCase shifted(int sequences, int time, int shift, int classes, Numbers& random) {
  RowsCase c = plain(sequences * time, classes, random);
  c.time = time;
  c.shift = shift;
  return c;
}

RowsCase distributions(int rows, int classes, Numbers& random) {
  RowsCase c = plain(rows, classes, random);
  c.ids.clear();
  for (size_t i = 0; i < c.logits.size(); ++i) {
    Half eighths;  // exact in every storage type
    math::narrow(static_cast<float>(random.below(8)) / 8, &eighths);
    c.probabilities.push_back(math::widen(eighths));
  }
  c.label_smoothing = 0.25;
  return c;
}

/// One row's target is no class: nothing may be written, and the first such row is named.
template <class T>
void run_bad_target(int rows, int classes, int bad_row, bool on_gpu, Numbers& random) {
  RowsCase c = plain(rows, classes, random);
  for (int row = bad_row; row < rows; row += 2) c.ids[static_cast<size_t>(row)] = classes + row;
  Memory<T> logits(narrow<T>(c.logits), on_gpu);
  Memory<T> gradient(narrow<T>(std::vector<double>(c.logits.size(), 0.5)), on_gpu);
  Memory<int32_t> ids(std::vector<int32_t>(c.ids.begin(), c.ids.end()), on_gpu);
  Request request = RowsRequest{};
  RowsRequest& r = std::get<RowsRequest>(request);
  r.logits = logits.view(Storage<T>::kDType);
  r.targets = ids.view(DType::kInt32);
  r.gradient = gradient.view(Storage<T>::kDType);
  r.rows = rows;
  r.classes = classes;
  Cancel cancel;
  const Status status = gpu()->run(request, cancel);
  CHECK(status.code == Code::kTarget);
  CHECK(status.row == bad_row && status.value == classes + bad_row);
  for (const T& g : gradient.fetch()) CHECK(math::widen(g) == 0.5f);
}

template <class T>
void run_all(unsigned seed) {
  Numbers random(seed);
  bool on_gpu = false;
  const auto each_mode = [&](const RowsCase& c) {
    for (const Mode mode : {Mode::kValue, Mode::kGradient, Mode::kInPlace, Mode::kOutputs}) {
      run<T>(c, mode, on_gpu = !on_gpu);
    }
  };
  for (const int classes : {1, 2, 7, 33, 130}) each_mode(plain(37, classes, random));
  each_mode(plain(3, 1031, random));
  run<T>(plain(26, 1100, random), Mode::kOutputs, on_gpu);
  each_mode(plain(2, 8209, random));
  each_mode(rising(5, 61, random));
  each_mode(rising(2, 6007, random));
  each_mode(everything(19, 45, random));
  each_mode(everything(2, 1037, random));
  each_mode(shifted(3, 5, 2, 12, random));
  each_mode(distributions(9, 21, random));
  run_bad_target<T>(9, 30, 4, false, random);
  run_bad_target<T>(1300, 3, 1201, true, random);
}

}  // namespace

int main() {
  run_all<float>(1);
  run_all<Half>(2);
  run_all<BFloat16>(3);
  CHECK(gpu()->memory().bytes == 0);
  CHECK(gpu()->memory().workspace_bytes == 0);
  return test::finish("row kernels");
}
