// Losses on cut logits: how calls are cut, as pure functions; and the engine as a whole against plain loops in double,
// for every level and storage type, at sizes around every tile, in memory that ends where the matrices do.
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "cpu/cut_rows/cut_call.h"
#include "cpu/cut_rows/cut_logits.h"
#include "math/float16.h"
#include "test/native/levels_here.h"

using namespace cutloss;

/// Before the rows of the gradient that are written while they are needed.
void where_shares_lie(const cpu::CutShape& s, const cpu::CutPlan& plan) {
  const int64_t first_lent = s.classes - plan.lent_classes;
  CHECK(s.shares && !plan.keeps_logits && !plan.apart);
  CHECK(plan.lent_classes >= 0 && plan.kept_classes >= 0 && plan.kept_classes <= first_lent);
  CHECK(plan.lent_classes == 0 || first_lent % cpu::kBlock == 0);
  CHECK(plan.kept_classes == first_lent || plan.kept_classes % cpu::kBlock == 0);
  const int64_t of_class = cpu::divide_up(s.rows, plan.chunk_rows) * cpu::chunk_stride(s.groups, plan.chunk_rows);
  const auto shares = [&](int64_t classes) { return s.groups.filled(classes) * of_class; };
  CHECK(plan.lent_classes == 0 || shares(plan.lent_classes) + 32 <= first_lent * s.dim);
}

void plans() {
  for (const int64_t rows : {0, 1, 64, 1024, 5000, 1 << 20}) {
    for (const int64_t classes : {1, 2, 97, 50304, 1 << 20}) {
      for (const int64_t dim : {1, 65, 768, 16384}) {
        for (const auto& [rounds, shares] : {std::pair{false, false}, {true, false}, {true, true}}) {
          for (const int64_t budget : {int64_t{1}, int64_t{1} << 20, int64_t{64} << 20, int64_t{1} << 32}) {
            cpu::CutShape s = {};
            s.rows = rows, s.classes = classes, s.dim = s.words = dim, s.rounds = rounds, s.shares = shares;
            if (shares) s.groups = {true, 16};
            s.panel = 64, s.tile_rows = 6;
            s.hidden = s.classifier = true, s.lends = !rounds;
            const auto bytes = [&](const cpu::CutPlan& plan) {
              cpu::Arena counting;
              cpu::CutBuffers::lay_out(counting, s, plan);
              return counting.bytes();
            };
            const cpu::CutPlan plan = cpu::plan_cut_rows(s, budget, bytes);
            CHECK(plan.pass_rows > 0 && plan.pass_rows % s.panel == 0);
            CHECK(plan.chunk_rows % s.panel == 0 && plan.lent_rows % s.panel == 0);
            CHECK(plan.most_rows() > 0 && plan.most_rows() <= cpu::kMostChunkRows);
            CHECK(plan.chunk_rows > 0 || plan.lent_rows >= rows);
            CHECK(plan.lent_rows == 0 || (plan.keeps_logits && plan.lent_rows <= dim));
            cpu::CutPlan kept;  // the least that keeps logits: where it fits, none is computed twice
            kept.pass_rows = kept.chunk_rows =
                std::min<int64_t>(64, cpu::round_up(std::max<int64_t>(rows, 1), s.panel));
            kept.chunk_classes = classes, kept.keeps_logits = true;
            CHECK(plan.keeps_logits || bytes(kept) > budget);
            CHECK(plan.chunk_classes > 0 && plan.chunk_classes <= classes);
            CHECK(plan.chunk_classes == classes || plan.chunk_classes % cpu::kBlock == 0);
            CHECK(!plan.keeps_logits || plan.chunk_classes == classes);
            if (!plan.shares) {
              CHECK(plan.lent_classes == 0);
              CHECK(plan.kept_classes == 0 || plan.kept_classes == plan.chunk_classes);
              CHECK(plan.kept_classes == 0 || rows <= std::min(plan.pass_rows, plan.chunk_rows));
            } else {
              where_shares_lie(s, plan);
            }
            // what is left is one panel of rows and one block of classes, and what every row takes
            const int64_t least = (4 * dim + 2 * cpu::kBlock) * 4 * s.panel + 8 * cpu::kBlock * dim + 64 * rows;
            CHECK(bytes(plan) <= std::max(budget, int64_t{2} << 20) + least);
          }
        }
      }
    }
  }
  const cpu::HiddenTasks tasks = cpu::hidden_tasks(256, 768, 64, 6);
  CHECK(tasks.count() == 6 && tasks.rows % 6 == 0);
  CHECK(cpu::hidden_tasks(1, 1, 64, 6).count() == 1);
  CHECK(cpu::span_classes(1) == cpu::kBlock);
  CHECK(cpu::divide_up(256000, cpu::span_classes(256000)) <= cpu::kMostSpans);
}

template <class T>
struct Matrix {
  std::unique_ptr<T[]> storage;  // exactly as large as it is
  std::vector<double> values;

  Matrix(int64_t size, double scale, std::mt19937& random) : storage(new T[size]), values(size) {
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < size; ++i) {
      math::narrow(float(scale) * normal(random), &storage[i]);
      values[i] = math::widen(storage[i]);
    }
  }
  View view(DType dtype) const { return {storage.get(), int64_t(values.size()), dtype, kHost, true}; }
};

template <class T>
void against_loops(DType dtype, double step, int64_t rows, int64_t dim, int64_t classes, int64_t workspace) {
  std::mt19937 random(5);
  const Matrix<T> hidden(rows * dim, 1, random), classifier(classes * dim, 2 / std::sqrt(dim), random);
  Matrix<T> hidden_gradient(rows * dim, 0, random), classifier_gradient(classes * dim, 0, random);
  std::unique_ptr<int32_t[]> targets(new int32_t[rows]);
  for (int64_t i = 0; i < rows; ++i) targets[i] = i % 5 == 2 ? -100 : int32_t(random() % uint32_t(classes));

  CutRowsRequest r;
  r.rows = rows, r.classes = classes, r.dim = dim, r.time = rows;
  r.workspace_bytes = workspace;
  r.reduction = int64_t(Reduction::kSum);
  r.hidden = hidden.view(dtype);
  r.classifier = classifier.view(dtype);
  r.hidden_gradient = hidden_gradient.view(dtype);
  r.classifier_gradient = classifier_gradient.view(dtype);
  r.targets = {targets.get(), rows, DType::kInt32, kHost, true};
  Request request = r;
  Cancel never;
  CHECK(cpu_engine().run(request, never).ok());

  double loss = 0;
  std::vector<double> z(classes), dh(rows * dim), dc(classes * dim);
  for (int64_t i = 0; i < rows; ++i) {
    if (targets[i] < 0) continue;
    double sum = 0;
    for (int64_t j = 0; j < classes; ++j) {
      z[j] = 0;
      for (int64_t k = 0; k < dim; ++k) z[j] += hidden.values[i * dim + k] * classifier.values[j * dim + k];
      sum += std::exp(z[j]);
    }
    loss += std::log(sum) - z[targets[i]];
    for (int64_t j = 0; j < classes; ++j) {
      const double g = std::exp(z[j]) / sum - (j == targets[i]);
      for (int64_t k = 0; k < dim; ++k) {
        dh[i * dim + k] += g * classifier.values[j * dim + k];
        dc[j * dim + k] += g * hidden.values[i * dim + k];
      }
    }
  }
  const auto close = [&](const Matrix<T>& got, const std::vector<double>& exact) {
    double size = 0, worst = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      size = std::max(size, std::fabs(exact[i]));
      worst = std::max(worst, std::fabs(math::widen(got.storage[i]) - exact[i]));
    }
    return worst <= 4 * step * size + 1e-30;
  };
  CHECK(std::fabs(std::get<CutRowsRequest>(request).loss - loss) <= 1e-5 * (1 + std::fabs(loss)));
  CHECK(close(hidden_gradient, dh));
  CHECK(close(classifier_gradient, dc));
}

/// Where shares are left in the workspace and in the classifier's gradient, and the rest is computed again, for more
/// rows than a chunk has.
void with_shares(const cpu::Level& level) {
  const int64_t rows = 1100, dim = 24, classes = 13001, workspace = int64_t{4} << 20;
  const cpu::CutKernels& kernels = level.cut_rows->by_dtype[int(DType::kBFloat16)];
  if (!kernels.groups.pairs) return;
  cpu::CutShape s = {};
  s.rows = rows, s.classes = classes, s.dim = dim, s.words = kernels.groups.words_of(dim), s.groups = kernels.groups;
  s.panel = kernels.panel, s.tile_rows = kernels.tile_rows;
  s.rounds = s.shares = s.hidden = s.classifier = true;
  const cpu::CutPlan plan = cpu::plan_cut_rows(s, workspace, [&](const cpu::CutPlan& plan) {
    cpu::Arena counting;
    cpu::CutBuffers::lay_out(counting, s, plan);
    return counting.bytes();
  });
  CHECK(plan.shares && plan.chunk_rows < rows && plan.kept_classes > 0 && plan.lent_classes > 0);
  CHECK(plan.kept_classes + plan.lent_classes < classes);
  against_loops<BFloat16>(DType::kBFloat16, 0x1p-8, rows, dim, classes, workspace);
}

/// Where the logits of the first rows, and of all rows, lie in the classifier's gradient.
void with_lent_rows(const cpu::Level& level) {
  const cpu::CutKernels& kernels = level.cut_rows->by_dtype[int(DType::kFloat32)];
  const int64_t dim = 200, classes = 3001;
  for (const auto& [rows, workspace] : {std::pair{40, 40 * classes * 3}, {200, 200 * classes * 7 / 3}}) {
    cpu::CutShape s = {};
    s.rows = rows, s.classes = classes, s.dim = s.words = dim;
    s.panel = kernels.panel, s.tile_rows = kernels.tile_rows;
    s.hidden = s.classifier = s.lends = true;
    const cpu::CutPlan plan = cpu::plan_cut_rows(s, workspace, [&](const cpu::CutPlan& plan) {
      cpu::Arena counting;
      cpu::CutBuffers::lay_out(counting, s, plan);
      return counting.bytes();
    });
    CHECK(plan.keeps_logits && plan.lent_rows > 0 && (plan.chunk_rows > 0) == (plan.lent_rows < rows));
    against_loops<float>(DType::kFloat32, 0x1p-20, rows, dim, classes, workspace);
  }
}

/// A tile that the forward pass calls dead holds no softmax above eps, and one that it calls live does; in words of
/// very different frequency, so that there are both.
void what_is_live(const cpu::Level& level) {
  const int64_t rows = 200, dim = 8, classes = 1000;
  const double eps = 1e-3;
  std::mt19937 random(7);
  Matrix<float> hidden(rows * dim, 1, random), classifier(classes * dim, 0.4, random);
  for (int64_t i = 0; i < rows; ++i) hidden.values[i * dim] = hidden.storage[i * dim] = 1;
  for (int64_t j = 0; j < classes; ++j) {
    classifier.values[j * dim] = classifier.storage[j * dim] = -1.5f * std::log(1 + float(j));
  }
  std::vector<int32_t> targets(rows);
  for (int64_t i = 0; i < rows; ++i) targets[i] = i % 5 == 2 ? -100 : int32_t(random() % uint32_t(classes));
  std::vector<float> gradient(rows * dim);

  CutRowsRequest r;
  r.rows = rows, r.classes = classes, r.dim = dim, r.time = rows;
  r.reduction = int64_t(Reduction::kSum);
  r.hidden = hidden.view(DType::kFloat32);
  r.classifier = classifier.view(DType::kFloat32);
  r.targets = {targets.data(), rows, DType::kInt32, kHost, true};
  r.hidden_gradient = {gradient.data(), rows * dim, DType::kFloat32, kHost, true};
  r.filter_hidden = 1, r.filter_eps = eps;

  Cancel never;
  cpu::CutCall call(r, level.cut_rows->by_dtype[0], level, cpu::ThreadPool::shared(), never);
  call.shape = cpu::shape_of(r, call.k);
  const auto bytes = [&](const cpu::CutPlan& plan) {
    cpu::Arena counting;
    cpu::CutBuffers::lay_out(counting, call.shape, plan);
    return counting.bytes();
  };
  call.plan = cpu::plan_cut_rows(call.shape, 1, bytes);
  CHECK(!call.plan.keeps_logits);
  cpu::Workspace workspace;
  CHECK(workspace.open(bytes(call.plan)).ok());
  cpu::Arena arena = workspace.arena();
  call.b = cpu::CutBuffers::lay_out(arena, call.shape, call.plan);
  CHECK(call.terms.prepare([&](int64_t row, int64_t id) { call.b.ids[row] = int32_t(id); }).ok());
  call.transform = {{1, 0}, 1, nullptr, true};
  cpu::CutLogits logits(call);
  for (int64_t n = 0; n * call.plan.pass_rows < rows; ++n) {
    const cpu::Range pass = cpu::part_of({0, rows}, call.plan.pass_rows, n);
    logits.compute(pass, {0, classes}, {nullptr, 0, 0, true, false});
    logits.finish(pass);
  }

  std::vector<double> largest(cpu::divide_up(rows, call.k.panel) * cpu::divide_up(classes, cpu::kBlock));
  std::vector<double> p(classes);
  for (int64_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < classes; ++j) {
      double z = 0;
      for (int64_t k = 0; k < dim; ++k) z += hidden.values[i * dim + k] * classifier.values[j * dim + k];
      sum += p[j] = std::exp(z);
    }
    for (int64_t j = 0; j < classes && targets[i] >= 0; ++j) {
      double& most = largest[i / call.k.panel * cpu::divide_up(classes, cpu::kBlock) + j / cpu::kBlock];
      if (j != targets[i]) most = std::max(most, p[j] / sum);
    }
  }
  int64_t live = 0;
  for (size_t tile = 0; tile < largest.size(); ++tile) {
    CHECK(call.b.live[tile] || largest[tile] < eps);
    CHECK(!call.b.live[tile] || largest[tile] > 0.999 * eps);
    live += call.b.live[tile];
  }
  CHECK(live > 0 && live < int64_t(largest.size()));
}

int main() {
  plans();
  test::for_each_level(what_is_live);
  test::for_each_level([](const cpu::Level& level) {
    with_shares(level);
    with_lent_rows(level);
    const int64_t sizes[][3] = {{1, 1, 1}, {2, 3, 2}, {63, 17, 97}, {65, 33, 193}, {130, 65, 96}, {7, 129, 500}};
    for (const auto& [rows, dim, classes] : sizes) {
      for (const int64_t workspace : {0, 1}) {
        against_loops<float>(DType::kFloat32, 0x1p-20, rows, dim, classes, workspace);
        against_loops<Half>(DType::kFloat16, 0x1p-11, rows, dim, classes, workspace);
        against_loops<BFloat16>(DType::kBFloat16, 0x1p-8, rows, dim, classes, workspace);
      }
    }
  });
  return test::finish("cut_rows");
}
