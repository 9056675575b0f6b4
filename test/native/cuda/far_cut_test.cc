// Offsets beyond 2^31 elements: the kernels of cut logits on matrices whose lines lie gigabytes apart, and at the far
// end of a vocabulary of 2^29 classes. The memory is reserved but hardly touched (CUTLOSS_EMULATED_MEMORY).
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "cuda/cut_rows/cut_pass.h"
#include "math/float16.h"
#include "test/native/check.h"

using namespace cutloss;
using namespace cutloss::cuda;

namespace {

constexpr int kRows = 20, kDim = 16;
constexpr int64_t kFar = int64_t{1} << 28;  // elements from one line to the next: 20 lines are 2^32
constexpr int kHere = 200;                  // classes that are looked at

/// Fresh memory of the GPU, which the emulator lets the host see.
template <class T>
T* take(int64_t count) {
  void* memory = nullptr;
  CHECK(cudaMalloc(&memory, static_cast<size_t>(count) * sizeof(T)) == cudaSuccess);
  return static_cast<T*>(memory);
}

/// Small numbers that every storage type holds exactly.
float number(int64_t i) { return static_cast<float>((i * 7 + 3) % 17 - 8) / 8; }

template <class T>
View view_of(T* data, int64_t count, DType dtype) {
  View view;
  view.data = data;
  view.size = count;
  view.dtype = dtype;
  view.device = 0;
  view.given = true;
  return view;
}

template <class T>
constexpr DType kTypeOf = sizeof(T) == 4 ? DType::kFloat32 : DType::kBFloat16;

int target_of(int row) { return row % 3 == 0 ? -1 : kHere - 1 - row; }  // among those looked at

template <class T>
struct Far {
  int64_t begin;  // of the classes that are looked at
  CutPass pass = {};
  CutChunk chunk = {};
  T *hidden, *classifier;

  Far(CutPath path, int64_t first_class) : begin(first_class) {
    const int64_t classes = begin + kHere, columns = tile_columns(path);
    hidden = take<T>(kRows * kDim);
    classifier = take<T>(classes * kDim);
    for (int64_t i = 0; i < kRows * kDim; ++i) math::narrow(number(i), hidden + i);
    for (int64_t i = 0; i < kHere * kDim; ++i) math::narrow(number(5 * i + 1), classifier + begin * kDim + i);

    CutRowsRequest& r = pass.request;
    r.hidden = view_of(hidden, kRows * kDim, kTypeOf<T>);
    r.classifier = view_of(classifier, classes * kDim, kTypeOf<T>);
    int32_t* targets = take<int32_t>(kRows);
    for (int i = 0; i < kRows; ++i) targets[i] = target_of(i) < 0 ? -100 : static_cast<int>(begin) + target_of(i);
    r.targets = view_of(targets, kRows, DType::kInt32);
    r.rows = kRows;
    r.classes = classes;
    r.dim = kDim;
    r.ignore_index = -100;
    pass.logit_formula = {1, 0, 0, nullptr, nullptr, static_cast<int>(classes)};
    pass.path = path;
    pass.workers = 4;
    pass.spans = 1;
    pass.parts = parts_per_span(path);
    pass.partials = take<CutPartial>(pass.parts * kRows);
    pass.target_logits = take<float>(kRows);
    pass.rows = take<CutRow>(kRows);
    for (int i = 0; i < kRows; ++i) {
      pass.rows[i] = {math::ExpShift::of(4, 6, 0, 1), 0, FLT_MIN, 0, 0.5f, targets[i] < 0 ? -1 : targets[i], 1};
    }

    chunk.begin = begin;
    chunk.width = kHere;
    chunk.stride = kFar;
    chunk.dz = take<T>(kRows * kFar);
    chunk.kept_stride = kFar * 4;
    chunk.kept = take<uint8_t>(4 * chunk.kept_stride);
    chunk.gradient_scale = 1;
    chunk.first = chunk.last = true;
    chunk.order = gradient_order(path, kRows, divide_up(kHere, columns), kDim * static_cast<int64_t>(sizeof(T)));
  }

  double logit(int row, int at) const {
    double sum = 0;
    for (int k = 0; k < kDim; ++k) {
      sum += double{number(row * kDim + k)} * double{number(5 * (int64_t{at} * kDim + k) + 1)};
    }
    return sum;
  }
  /// What the rows above make of it.
  double dz(int row, int at) const {
    if (at == target_of(row)) return 0;
    T rounded;
    math::narrow(static_cast<float>(std::exp(logit(row, at) - 6)), &rounded);
    return math::widen(rounded);
  }
};

template <class T>
bool near(double found, double exact, double size) {
  return std::fabs(found - exact) <= size * (sizeof(T) == 4 ? 0x1p-18 : 0x1p-6) + 1e-12;
}

template <class T>
void check_dz(const Far<T>& far) {
  const T* dz = static_cast<const T*>(far.chunk.dz);
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kHere; ++j) {
      const double exact = far.dz(i, j);
      CHECK(near<T>(math::widen(dz[i * kFar + j]), exact, exact));
    }
  }
  for (int64_t group = 0; group < 4; ++group) {
    for (int64_t piece = 0; piece < divide_up(kRows, kPieceRows); ++piece) {
      CHECK(far.chunk.kept[group * far.chunk.kept_stride + piece] == 1);
    }
  }
}

template <class T>
void release(Far<T>& far) {
  for (void* memory :
       std::initializer_list<void*>{far.hidden, far.classifier, far.pass.request.targets.data, far.pass.partials,
                                    far.pass.target_logits, far.pass.rows, far.chunk.dz, far.chunk.kept}) {
    cudaFree(memory);
  }
}

/// dz and both products of classes that begin beyond 2^31 elements of the classifier, through a dz of far lines.
template <class T>
void check_gradient(CutPath path) {
  Far<T> far(path, (int64_t{1} << 29) - 256);
  CutRowsRequest& r = far.pass.request;
  T* hidden_gradient = take<T>(kRows * kDim);
  T* classifier_gradient = take<T>(r.classes * kDim);
  T* bias_gradient = take<T>(r.classes);
  r.hidden_gradient = view_of(hidden_gradient, kRows * kDim, kTypeOf<T>);
  r.classifier_gradient = view_of(classifier_gradient, r.classes * kDim, kTypeOf<T>);
  r.bias_gradient = view_of(bias_gradient, r.classes, kTypeOf<T>);
  r.filter_hidden = r.filter_classifier = 1;
  r.filter_eps = 1e-30;
  far.chunk.hidden_sums = take<float>(kRows * kDim);
  far.chunk.same_tile = take<int32_t>(kRows);
  far.chunk.tile_begin = take<int32_t>(divide_up(r.classes, kCutRows) + 1);
  const int64_t tile = far.begin / kCutRows;
  int listed = 0;
  for (int64_t t = 0; t < 2; ++t) {
    far.chunk.tile_begin[tile + t] = listed;
    for (int i = 0; i < kRows; ++i) {
      if (target_of(i) >= 0 && target_of(i) / kCutRows == t) far.chunk.same_tile[listed++] = i;
    }
  }
  far.chunk.tile_begin[tile + 2] = listed;

  CHECK(launch_cut_gradient(far.pass, far.chunk, nullptr) == cudaSuccess);
  CHECK(launch_hidden_product(far.pass, far.chunk, nullptr) == cudaSuccess);
  CHECK(launch_classifier_product(far.pass, far.chunk, nullptr) == cudaSuccess);
  CHECK(launch_bias_gradient(far.pass, far.chunk, nullptr) == cudaSuccess);
  check_dz(far);
  const auto g = [&](int i, int j) { return j == target_of(i) ? 0.5 : far.dz(i, j); };
  for (int k = 0; k < kDim; ++k) {
    for (int i = 0; i < kRows; ++i) {
      double sum = 0, size = 0;
      for (int j = 0; j < kHere; ++j) {
        const double term = g(i, j) * double{number(5 * (int64_t{j} * kDim + k) + 1)};
        sum += term;
        size += std::fabs(term);
      }
      CHECK(near<T>(math::widen(hidden_gradient[i * kDim + k]), sum, size));
    }
    for (int j = 0; j < kHere; ++j) {
      double sum = 0, size = 0;
      for (int i = 0; i < kRows; ++i) {
        const double term = g(i, j) * double{number(i * kDim + k)};
        sum += term;
        size += std::fabs(term);
      }
      CHECK(near<T>(math::widen(classifier_gradient[(far.begin + j) * kDim + k]), sum, size));
    }
  }
  for (int j = 0; j < kHere; ++j) {
    double sum = 0;
    for (int i = 0; i < kRows; ++i) sum += g(i, j);
    CHECK(near<T>(math::widen(bias_gradient[far.begin + j]), sum, sum));
  }
  for (void* memory : std::initializer_list<void*>{hidden_gradient, classifier_gradient, bias_gradient,
                                                   far.chunk.hidden_sums, far.chunk.same_tile, far.chunk.tile_begin}) {
    cudaFree(memory);
  }
  release(far);
}

/// The statistics leave logits in far lines, and dz is made of them.
template <class T>
void check_stored(CutPath path) {
  Far<T> far(path, 0);
  far.pass.logits_stride = kFar;
  far.pass.logits = take<float>(kRows * kFar);
  CHECK(launch_cut_statistics(far.pass, nullptr) == cudaSuccess);
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kHere; ++j) {
      CHECK(std::fabs(far.pass.logits[i * kFar + j] - far.logit(i, j)) <= 1e-5);
    }
    if (target_of(i) >= 0) CHECK(std::fabs(far.pass.target_logits[i] - far.logit(i, target_of(i))) <= 1e-5);
  }
  CHECK(launch_cut_gradient(far.pass, far.chunk, nullptr) == cudaSuccess);
  check_dz(far);
  cudaFree(far.pass.logits);
  release(far);
}

template <class T>
void check_all(CutPath path) {
  check_gradient<T>(path);
  check_stored<T>(path);
}

}  // namespace

int main() {
  setenv("CUTLOSS_EMULATED_MEMORY", "137438953472", 1);
  check_all<BFloat16>(CutPath::kWgmma);
  check_all<BFloat16>(CutPath::kMma);
  check_all<float>(CutPath::kMma);
  return cutloss::test::finish("far cut kernels");
}
