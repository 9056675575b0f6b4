// More than 2^31 elements: an index that is computed in 32 bits somewhere reads elsewhere, or nothing at all. The
// memory is mapped and never written but for its last row, so that it costs nothing.
#include <sys/mman.h>

#include <cmath>
#include <vector>

#include "engine/engine.h"
#include "math/float16.h"
#include "test/native/check.h"

using namespace cutloss;

/// [rows, columns] bfloat16, zero.
struct Zeros {
  int64_t rows, columns;
  View view;

  Zeros(int64_t rows, int64_t columns) : rows(rows), columns(columns) {
    view = {nullptr, rows * columns, DType::kBFloat16, kHost, true};
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* memory = mmap(nullptr, view.bytes(), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (CHECK(memory != MAP_FAILED)) view.data = memory;
    madvise(memory, view.bytes(), MADV_HUGEPAGE);
  }
  ~Zeros() { munmap(view.data, view.bytes()); }
  BFloat16* row(int64_t i) const { return view.as<BFloat16>() + i * columns; }
};

template <class R>
double loss_of(R r) {
  Cancel never;
  Request request = std::move(r);
  CHECK(cpu_engine().run(request, never).ok());
  return std::get<R>(request).loss;
}

template <class R>
R request_of(const std::vector<int32_t>& targets, int64_t classes) {
  R r;
  r.rows = int64_t(targets.size()), r.classes = classes;
  r.reduction = int64_t(Reduction::kSum);
  r.targets = {const_cast<int32_t*>(targets.data()), r.rows, DType::kInt32, kHost, true};
  return r;
}

/// All rows but the last are ignored, which makes them cheap.
void logits() {
  const Zeros logits((int64_t{1} << 16) + 1, int64_t{1} << 15);
  math::narrow(3.f, logits.row(logits.rows - 1) + 7);
  std::vector<int32_t> targets(size_t(logits.rows), -100);
  targets.back() = 7;
  auto r = request_of<RowsRequest>(targets, logits.columns);
  r.logits = logits.view;
  CHECK(std::fabs(loss_of(r) - (std::log(double(logits.columns) - 1 + std::exp(3.0)) - 3)) < 1e-5);
}

void classifier() {
  const Zeros classifier((int64_t{1} << 20) + 200, int64_t{1} << 11);
  const Zeros hidden(2, classifier.columns);
  const int64_t last = classifier.rows - 1;
  math::narrow(3.f, classifier.row(last) + 5);
  math::narrow(1.f, hidden.row(0) + 5);
  const std::vector<int32_t> targets = {int32_t(last), 0};
  std::vector<BFloat16> gradient(size_t(hidden.view.size));
  auto r = request_of<CutRowsRequest>(targets, classifier.rows);
  r.dim = classifier.columns, r.time = r.rows;
  r.hidden = hidden.view;
  r.classifier = classifier.view;
  r.hidden_gradient = {gradient.data(), hidden.view.size, DType::kBFloat16, kHost, true};
  r.filter_hidden = 1, r.filter_eps = 0.5;
  const double sum = double(last) + std::exp(3.0);
  CHECK(std::fabs(loss_of(r) - (std::log(sum) - 3 + std::log(double(classifier.rows)))) < 1e-4);
  const double exact = 3 * (std::exp(3.0) / sum - 1);
  CHECK(std::fabs(math::widen(gradient[5]) - exact) <= 0x1p-8 * std::fabs(exact));
}

int main() {
  logits();
  classifier();
  return test::finish("large_indices");
}
