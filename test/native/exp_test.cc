// The exponentials against long double: the error in units of half a last place, over the arguments that rows have.
#include "math/exp.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "cpu/simd/exp_double.h"
#include "test/native/check.h"

using namespace cutloss;
using V = cpu::Portable<4>;

/// |got - exact| in halves of the distance between floats at `exact`.
double half_ulps(float got, long double exact) {
  const double magnitude = std::max(std::fabs(double(exact)), 0x1p-126);
  const double half = std::ldexp(1.0, std::ilogb(magnitude) - 24);
  return double(std::fabs(got - exact)) / half;
}

/// What AVX-512 has, lane by lane: tables, one rounding in multiply_add(). With 8 lanes, what AVX2 has for the same.
template <int kCount>
struct LookupOf : cpu::Portable<kCount> {
  using F = typename cpu::Portable<kCount>::F;
  using I = typename cpu::Portable<kCount>::I;
  static constexpr int kLanes = kCount;
  static F root_of_two(I k) {
    F roots;
    for (int i = 0; i < kLanes; ++i) roots[i] = math::kRootsOfTwo[k[i] & 31];
    return roots;
  }
  static F look_up(F table, I k)
    requires(kCount >= 8)
  {
    F found;
    for (int i = 0; i < kLanes; ++i) found[i] = table[k[i] & (kLanes - 1)];
    return found;
  }
  static F raise(F x, I eighths)
    requires(kCount == 8)
  {
    using U = typename cpu::Portable<kCount>::U;
    return (F)((U)x + ((U)eighths << 20));
  }
  static F min(F a, F b) { return a < b ? a : b; }
  static F multiply_add(F a, F b, F c) {
    for (int i = 0; i < kLanes; ++i) c[i] = std::fma(a[i], b[i], c[i]);
    return c;
  }
  static F scale_by_power(F x, F n) {
    for (int i = 0; i < kLanes; ++i) x[i] = std::ldexp(x[i], int(std::floor(n[i])));
    return x;
  }
};

using Lookup = LookupOf<4>;

/// By factors of either sign, for elements up to 40 below what makes one.
template <int kLanes>
void by_roots() {
  using V = LookupOf<kLanes>;
  using F = typename V::F;
  using Exp = math::ExpByRoots<V>;
  static_assert(math::LooksUpLanes<V> && !math::LooksUpLanes<Lookup> && Exp::kAddsPowers == (kLanes == 8));
  CHECK(Exp::serves(1) && Exp::serves(-0x1p-99) && !Exp::serves(0x1p100) && !Exp::serves(0) && !Exp::serves(NAN));
  std::mt19937_64 random(11);
  std::uniform_real_distribution<float> distance(-40, 3);
  double worst = 0;
  for (int row = -68; row < 68; ++row) {
    const double factor = std::exp(-row) * (row % 3 ? 1.1 : -0.7);
    const Exp exp(factor);
    const auto error = [&](float e, float z) { return half_ulps(e, factor * expl(static_cast<long double>(z))); };
    for (int i = 0; i < 200; ++i) {
      F z;
      for (int k = 0; k < kLanes; ++k) z[k] = float(row) + distance(random);
      const F e = exp(z);
      for (int k = 0; k < kLanes; ++k) worst = std::max(worst, error(e[k], z[k]));
    }
    // All the way to where it does not reach: as good there, and no further than to normal results.
    for (const float step : {-0.25f, 0.25f}) {
      float far = float(row);
      const auto group = [&](F(&z)[2]) { z[0] = V::splat(float(row)), z[1] = z[0], z[1][kLanes - 1] = far; };
      F z[2];
      for (group(z); exp.reaches(z) && std::fabs(far - float(row)) < 85; far += step, group(z)) {
        worst = std::max(worst, error(exp(z[1])[kLanes - 1], far));
      }
      CHECK(std::fabs(far - float(row)) > 84);
    }
    const float ends[] = {-INFINITY, -1e30f, float(row) + 500, NAN};
    for (int k = 0; k < 4; ++k) {
      F z[2] = {V::splat(float(row)), V::splat(ends[k])};
      CHECK(k == 3 || exp.reaches(z) == !Exp::kAddsPowers);
      const float e = exp(z[1])[0];
      CHECK(!exp.reaches(z) || (k < 2 ? e == 0 : k == 2 ? !(std::fabs(e) < 0x1p120f) : std::isnan(e)));
    }
  }
  std::printf("ExpByRoots of %d: %.2f half-units in the last place at worst\n", kLanes, worst);
  CHECK(worst > 0.9 && worst < 1.2);
}

/// Eight roots that lack nothing.
void exact_references() {
  using Exp = math::ExpByRoots<LookupOf<8>, true>;
  double lack = 0, worst = 0, sums = 0;
  std::mt19937_64 random(5);
  for (int row = -68; row < 68; ++row) {
    const double most = row + 0.3, reference = Exp::reference(most);
    CHECK(reference - most > 0.05 && reference - most < 0.15);
    for (int k = 0; k < 8; ++k) {
      const double root = math::kExactRootsOfTwo[4 * k] * std::exp(-reference);
      lack = std::max(lack, std::fabs(static_cast<float>(root) / root - 1));
    }
    const Exp exp(std::exp(-reference));
    long double sum = 0, exact_sum = 0;
    for (int i = 0; i < 200; ++i) {
      LookupOf<8>::F z;
      for (int k = 0; k < 8; ++k) z[k] = float(row) - float(random() % 8192) / 512;
      const LookupOf<8>::F e = exp(z);
      for (int k = 0; k < 8; ++k) {
        const long double exact = expl(z[k] - reference - Exp::lost(reference));
        worst = std::max(worst, std::fabs(double(e[k] / exact - 1)));
        sum += e[k], exact_sum += exact;
      }
    }
    sums = std::max(sums, std::fabs(double(sum / exact_sum - 1)));
  }
  CHECK(Exp::reference(1e30) == 1e30 && Exp::reference(-100) == -100);
  std::printf("exact references: roots lack %.1e, terms are wrong by %.1e at worst, sums by %.1e\n", lack, worst, sums);
  CHECK(lack < 3e-9 && worst < 1.1e-7 && sums < 1e-8);
}

/// Terms of a sum, that lie up to 16 from `nearest` to the reference, which is subtracted exactly: the error of each,
/// and what a thousand have in common.
void addends(float nearest, double most_of_one, double most_of_sum) {
  std::mt19937_64 random(3);
  double worst_term = 0, worst_addend = 0, common = 0;
  for (int row = 0; row < 100; ++row) {
    const float reference = float(row % 17) / 4;
    long double sum = 0, exact_sum = 0;
    for (int i = 0; i < 250; ++i) {
      V::F z[1];
      for (int k = 0; k < 4; ++k) z[0][k] = reference + nearest - float(random() % 8192) / 512;
      const V::F from = z[0], term = math::exp_term<Lookup>(from, reference);
      math::exp_addends<Lookup>(z, reference);
      for (int k = 0; k < 4; ++k) {
        const long double exact = expl(static_cast<long double>(from[k]) - reference);
        worst_term = std::max(worst_term, double(std::fabs(term[k] - exact) / exact));
        worst_addend = std::max(worst_addend, double(std::fabs(z[0][k] - exact) / exact));
        sum += z[0][k], exact_sum += exact;
      }
    }
    common = std::max(common, double(std::fabs(sum - exact_sum) / exact_sum));
  }
  std::printf("exp_term: relative error %.1e by roots; exp_addends: %.1e, sums %.1e\n", worst_term, worst_addend,
              common);
  CHECK(worst_term < 2e-7 && worst_addend < most_of_one && common < most_of_sum);
}

void addends() {
  static_assert(math::LooksUpRoots<Lookup> && !math::LooksUpRoots<V>);
  addends(0, 3e-7, 3e-8);
  addends(64, 4e-7, 3e-7);  // the reference is of a block far below: its multiple of log 2 is rounded for all alike
  V::F ends[1] = {{-INFINITY, NAN, -1e30f, 0}};
  math::exp_addends<Lookup>(ends, 0);
  CHECK(ends[0][0] == 0 && std::isnan(ends[0][1]) && ends[0][2] == 0 && ends[0][3] == 1);
}

int main() {
  by_roots<16>();
  by_roots<8>();
  exact_references();
  addends();
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  double worst = 0, worst_16 = 0;
  for (int row = 0; row < 4000; ++row) {
    const float center = (row % 4 == 0 ? 1e4f : row % 4 == 1 ? -300.f : 0.f) + normal(random) * 3;
    const float most = center + 8;
    const double shift = most + 1 + std::fabs(normal(random)) * 4;
    const double factor = std::ldexp(1 + std::fabs(normal(random)), row % 41 - 20) * (row % 3 ? 1 : -1);
    const math::ExpShift s = math::ExpShift::of(most, shift, 0, factor);
    for (int i = 0; i < 64; ++i) {
      V::F z;
      for (int k = 0; k < 4; ++k) z[k] = std::min(most, center + normal(random) * (i % 8 == 0 ? 20 : 3));
      const V::F e = math::exp_shifted<V>(z, s), e16 = math::exp_shifted_16<V>(z, s);
      for (int k = 0; k < 4; ++k) {
        const long double exact = factor * expl(static_cast<long double>(z[k]) - shift);
        if (std::fabs(double(exact)) < 0x1p-120) continue;
        worst = std::max(worst, half_ulps(e[k], exact));
        worst_16 = std::max(worst_16, double(std::fabs(e16[k] - exact) / std::fabs(exact)));
      }
    }
  }
  std::printf("exp_shifted: %.2f half-units in the last place at worst; exp_shifted_16: relative error %.1e\n", worst,
              worst_16);
  CHECK(worst > 0.9 && worst < 3);
  CHECK(worst_16 < 2e-5);

  const math::ExpShift s = math::ExpShift::of(0, 0, 0, 1);
  V::F edge = {-INFINITY, NAN, -1e30f, 0};
  const V::F e = math::exp_shifted<V>(edge, s);
  CHECK(e[0] == 0 && std::isnan(e[1]) && e[2] == 0 && e[3] == 1);

  double worst_double = 0;
  for (int i = 0; i < 200000; ++i) {
    V::D x = {-std::fabs(normal(random)) * 40, -std::fabs(normal(random)) * 0.5};
    const V::D y = cpu::exp_double<V>(x);
    for (int k = 0; k < 2; ++k) {
      const long double exact = expl(x[k]);
      worst_double = std::max(worst_double, double(std::fabs(y[k] - exact) / exact));
    }
  }
  std::printf("exp_double: relative error %.1e at worst\n", worst_double);
  CHECK(worst_double < 3e-12);
  V::D ends = {-INFINITY, -701};
  CHECK(cpu::exp_double<V>(ends)[0] == 0 && cpu::exp_double<V>(ends)[1] == 0);
  return test::finish("exp");
}
