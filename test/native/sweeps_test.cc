// The float sweeps against the double ones, for every level and storage type, at lengths around every boundary, with
// the target everywhere it can hurt; and memory beyond the row is never written.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "math/float16.h"
#include "test/native/levels_here.h"

using namespace cutloss;

constexpr int64_t kLengths[] = {1,  2,   3,   7,   8,   15,  16,   17,   31,   33,   63,   64,
                                65, 127, 129, 255, 256, 257, 1000, 4095, 4096, 4097, 8191, 12345};
constexpr uint8_t kGuard = 0xa5;

template <class T>
constexpr double half_ulp_bits() {
  return sizeof(T) == 4 ? 24 : std::is_same_v<T, Half> ? 11 : 8;
}
template <class T>
constexpr double smallest_normal() {
  return std::is_same_v<T, Half> ? 0x1p-14 : 0x1p-126;
}

/// |got - exact| in halves of T's last place at `exact`.
template <class T>
double half_ulps(double got, double exact) {
  const double magnitude = std::max(std::fabs(exact), smallest_normal<T>());
  return std::fabs(got - exact) / std::ldexp(1.0, std::ilogb(magnitude) - int(half_ulp_bits<T>()));
}

double worst_sum = 0;  // relative

template <class T>
double one_row(const cpu::RowSweeps& sweeps, const std::vector<T>& z, int64_t target, bool keep, bool stream) {
  const int64_t n = int64_t(z.size());
  const cpu::GeneralRow general = {n, {1, 0}, 0, nullptr, DType::kInt32, false};
  const math::RowStatistics exact = sweeps.general.statistics(z.data(), general, {target, nullptr});
  const size_t bytes = z.size() * sizeof(T);
  void* memory = std::aligned_alloc(64, (bytes + 255) / 64 * 64);
  std::memset(memory, kGuard, (bytes + 255) / 64 * 64);
  T* g = reinterpret_cast<T*>(static_cast<char*>(memory) + 64) - 1;  // misaligned by all but one element
  std::vector<float> scratch(size_t(n) + 128);
  cpu::KeptRow kept;
  kept.aligned_with = stream ? g : nullptr;
  kept.exponentials = scratch.data();
  cpu::KeptRow* keeping = keep && n <= cpu::KeptRow::kMostClasses ? &kept : nullptr;
  const math::RowStatistics plain = sweeps.plain.statistics(z.data(), n, target, keeping);
  CHECK((plain.sum == 0) == (exact.sum == 0));
  if (exact.sum > 0) {
    CHECK(std::fabs(plain.max - exact.max) <= 70);
    worst_sum = std::max(worst_sum, std::fabs(plain.sum * std::exp(plain.max - exact.max) / exact.sum - 1));
  }

  const double lse = exact.sum == 0 ? 0 : exact.max + std::log(exact.sum) + 0.25, softmax = -1.7;
  std::vector<double> want(z.size());
  for (int64_t j = 0; j < n; ++j) want[size_t(j)] = softmax * std::exp(double(math::widen(z[size_t(j)])) - lse);
  double most = exact.max;
  if (target >= 0) most = std::max(most, double(math::widen(z[size_t(target)])));
  if (target >= 0) want[size_t(target)] = 0.625;
  sweeps.plain.gradient({z.data(), g, n, most, {lse, 0}, softmax, target, 0.625, keeping, stream, nullptr});
  cpu::level().fence();
  double worst = 0;
  for (int64_t j = 0; j < n; ++j) {
    worst = std::max(worst, half_ulps<T>(math::widen(g[j]), want[size_t(j)]));
  }
  CHECK(reinterpret_cast<uint8_t*>(g)[-1] == kGuard);
  CHECK(reinterpret_cast<uint8_t*>(g + n)[0] == kGuard);

  // in place
  const std::vector<T> apart(g, g + n);
  std::copy(z.begin(), z.end(), g);
  sweeps.plain.gradient({g, g, n, most, {lse, 0}, softmax, target, 0.625, keeping, stream, nullptr});
  cpu::level().fence();
  for (int64_t j = 0; j < n; ++j) CHECK(std::memcmp(g + j, &apart[size_t(j)], sizeof(T)) == 0);
  std::free(memory);
  return worst;
}

template <class T>
void rows_of(const cpu::Level& level, int dtype, const char* name) {
  const cpu::RowSweeps& sweeps = level.rows->by_dtype[dtype];
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  double worst = 0;
  worst_sum = 0;
  for (const int64_t n : kLengths) {
    for (const float offset : {0.f, 300.f, -1e4f}) {
      std::vector<T> z(size_t(n), T{});
      for (T& v : z) math::narrow(offset + normal(random) * 4, &v);
      for (const int64_t target : {int64_t{-1}, int64_t{0}, n / 2, n - 1}) {
        for (const bool keep : {false, sizeof(T) == 2})
          worst = std::max(worst, one_row(sweeps, z, target, keep, keep == (n % 2 == 0)));
      }
    }
    // one element far beyond all others, in every block in turn: what it loses, all lose
    for (int64_t at = n / 3; at < n; at += 2999) {
      for (const float beyond : {0.3f, 2.f, 5.5f, 17.f}) {
        std::vector<T> z(size_t(n), T{});
        for (T& v : z) math::narrow(normal(random), &v);
        math::narrow(4 + beyond + std::fabs(normal(random)), &z[size_t(at)]);
        worst = std::max(worst, one_row(sweeps, z, -1, sizeof(T) == 2, false));
      }
    }
    // masked stretches, and nothing but masks beside the target
    std::vector<T> z(size_t(n), T{});
    for (size_t j = 0; j < z.size(); ++j) math::narrow(j % 3 == 0 ? normal(random) : -INFINITY, &z[j]);
    worst = std::max(worst, one_row(sweeps, z, 0, true, false));
    for (T& v : z) math::narrow(-INFINITY, &v);
    const math::RowStatistics none = sweeps.plain.statistics(z.data(), n, -1, nullptr);
    CHECK(none.max == -INFINITY && none.sum == 0);
    math::narrow(std::is_same_v<T, Half> ? 60000.f : 3e38f, &z[size_t(n - 1)]);
    CHECK(sweeps.plain.statistics(z.data(), n, -1, nullptr).sum == 1);
    math::narrow(-INFINITY, &z[size_t(n - 1)]);
    math::narrow(NAN, &z[size_t(n / 2)]);
    CHECK(std::isnan(sweeps.plain.statistics(z.data(), n, -1, nullptr).sum));
    CHECK(std::isnan(
        sweeps.general.statistics(z.data(), {n, {1, 0}, 0, nullptr, DType::kInt32, false}, {-1, nullptr}).sum));
    math::narrow(1.f, &z[size_t(n / 2)]);
    CHECK(sweeps.argmax(z.data(), n) == n / 2);
    // rising by more than a float exponential can hold, so that the reference must move
    for (size_t j = 0; j < z.size(); ++j) math::narrow(float(j / 4096) * 150 - 100, &z[j]);
    worst = std::max(worst, one_row(sweeps, z, -1, true, false));
  }
  std::printf("%s %s: gradient at worst %.2f half-units in the last place, sum %.1e\n", level.name, name, worst,
              worst_sum);
  CHECK(worst <= 4);
  CHECK(worst_sum <= (sizeof(T) == 4 ? 8e-8 : 1.2e-7));
}

int main() {
  test::for_each_level([](const cpu::Level& level) {
    rows_of<float>(level, 0, "float32");
    rows_of<Half>(level, 1, "float16");
    rows_of<BFloat16>(level, 2, "bfloat16");
  });
  return test::finish("sweeps");
}
