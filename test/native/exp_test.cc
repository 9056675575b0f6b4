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

int main() {
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
