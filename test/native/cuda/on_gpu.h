// What tests of kernels have in common: memory on the emulated GPU or off it, storage types and how exact they are,
// random numbers.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "engine/engine.h"
#include "math/float16.h"
#include "test/native/check.h"

namespace cutloss::test {

inline Engine* gpu() {
  Status why;
  return cuda_engine(0, &why);
}

/// Memory on the GPU or off it, given back at the end.
template <class T>
class Memory {
 public:
  Memory(std::vector<T> values, bool on_gpu) : values_(std::move(values)) {
    if (!on_gpu || values_.empty()) return;
    if (!CHECK(gpu()->allocate(bytes(), &device_).ok())) return;
    CHECK(gpu()->upload(device_, values_.data(), bytes()).ok());
  }
  Memory(const Memory&) = delete;
  ~Memory() {
    if (device_) gpu()->release(device_, bytes());
  }

  View view(DType dtype) {
    View view;
    if (values_.empty()) return view;
    view.data = device_ ? device_ : values_.data();
    view.size = static_cast<int64_t>(values_.size());
    view.dtype = dtype;
    view.device = device_ ? 0 : kHost;
    view.given = true;
    return view;
  }
  const std::vector<T>& fetch() {
    if (device_) CHECK(gpu()->download(values_.data(), device_, bytes()).ok());
    return values_;
  }

 private:
  size_t bytes() const { return values_.size() * sizeof(T); }
  std::vector<T> values_;
  void* device_ = nullptr;
};

template <class T>
struct Storage;
template <>
struct Storage<float> {
  static constexpr DType kDType = DType::kFloat32;
  static constexpr double kHalfUnit = 0x1p-24, kSmallest = 0;
};
template <>
struct Storage<Half> {
  static constexpr DType kDType = DType::kFloat16;
  static constexpr double kHalfUnit = 0x1p-11, kSmallest = 0x1p-25;
};
template <>
struct Storage<BFloat16> {
  static constexpr DType kDType = DType::kBFloat16;
  static constexpr double kHalfUnit = 0x1p-8, kSmallest = 0;
};

/// Within four times the error of rounding the exact answer.
template <class T>
bool close(double found, double exact) {
  using S = Storage<T>;
  return std::fabs(found - exact) <= 4 * std::fmax(std::fabs(exact) * S::kHalfUnit, S::kSmallest) + 0x1p-126;
}

template <class T>
std::vector<T> narrow(const std::vector<double>& values) {
  std::vector<T> to(values.size());
  for (size_t i = 0; i < to.size(); ++i) math::narrow(static_cast<float>(values[i]), &to[i]);
  return to;
}

class Numbers {
 public:
  explicit Numbers(unsigned seed) : engine_(seed) {}
  double normal() { return normal_(engine_); }
  int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }

 private:
  std::mt19937 engine_;
  std::normal_distribution<double> normal_{0, 3};
};

}  // namespace cutloss::test
