// The rows engine as a whole: the same bits whatever the number of threads, targets checked before anything is written,
// cancelled work stops, shifted rows look ahead within their sequence.
#include <cmath>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "test/native/check.h"

using namespace cutloss;

struct Problem {
  int64_t rows, classes;
  std::vector<float> logits, gradient;
  std::vector<int32_t> targets;

  Problem(int64_t rows, int64_t classes)
      : rows(rows), classes(classes), logits(size_t(rows * classes)), gradient(logits.size()), targets(size_t(rows)) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal;
    for (float& z : logits) z = normal(random);
    for (int32_t& y : targets) y = int32_t(random() % uint32_t(classes));
  }

  RowsRequest request() {
    RowsRequest r;
    r.logits = {logits.data(), rows * classes, DType::kFloat32, kHost, true};
    r.targets = {targets.data(), rows, DType::kInt32, kHost, true};
    r.gradient = {gradient.data(), rows * classes, DType::kFloat32, kHost, true};
    r.rows = rows;
    r.classes = classes;
    return r;
  }
};

Status run(RowsRequest r, double* loss, Cancel* cancel = nullptr) {
  Cancel never;
  Request request = r;
  const Status status = cpu_engine().run(request, cancel ? *cancel : never);
  *loss = std::get<RowsRequest>(request).loss;
  return status;
}

int main() {
  Problem p(300, 1000);
  double one = 0, many = 0;
  CHECK(set_threads(1).ok() && run(p.request(), &one).ok());
  const std::vector<float> alone = p.gradient;
  for (const int threads : {2, 3, 16}) {
    std::fill(p.gradient.begin(), p.gradient.end(), 7.f);
    CHECK(set_threads(threads).ok() && run(p.request(), &many).ok());
    CHECK(many == one && p.gradient == alone);
  }

  std::vector<std::thread> callers;
  std::vector<double> losses(8);
  for (double& loss : losses) {
    callers.emplace_back([&] {
      Problem mine(300, 1000);
      CHECK(run(mine.request(), &loss).ok());
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const double loss : losses) CHECK(loss == one);

  std::fill(p.gradient.begin(), p.gradient.end(), 7.f);
  for (const int32_t bad : {-1, 1000, INT32_MAX, INT32_MIN}) {
    const int32_t good = std::exchange(p.targets[299], bad);
    const Status status = run(p.request(), &many);
    CHECK(status.code == Code::kTarget && status.row == 299 && status.value == bad);
    for (const float g : p.gradient) CHECK(g == 7.f);
    p.targets[299] = good;
  }

  Cancel cancel;
  cancel.request();
  CHECK(run(p.request(), &many, &cancel).code == Code::kCancelled);

  RowsRequest shifted = p.request();
  shifted.time = 100;
  shifted.shift = 2;
  CHECK(run(shifted, &many).ok());
  for (int64_t row = 0; row < 300; ++row) {
    const bool predicts = row % 100 < 98;
    const float at_target = predicts ? p.gradient[size_t(row * 1000 + p.targets[size_t(row) + 2])] : 0;
    CHECK(predicts ? at_target < 0 : p.gradient[size_t(row * 1000)] == 0);
  }
  return test::finish("run_rows");
}
