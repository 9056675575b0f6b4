// Exponentials of a row of logits in float, for any width: V supplies a vector of floats F and its primitives
// (cpu/simd, cuda/rows). The argument is taken apart as n ln 2 + r, and e^r = 1 + r + r^2 Q(r).
//
// The usual exp(z - m) loses what the subtraction rounds off: at z - m = -20 that is 16 half-units in the last
// place. Here nothing is rounded before the reduction: for rows below 256 in magnitude z is reduced itself and the
// shift is folded in afterwards, as a whole power of two and a remainder of at most half of one; above, z - m is exact
// wherever the exponential is not zero (Sterbenz) but by a factor of 1e30 or more. The error stays below 3 half-units
// (test/native/exp_test.cc saw 2.6).
#pragma once

#include <array>

#include "math/hd.h"

namespace cutloss::math {

inline constexpr double kLog2E = 1.4426950408889634, kLn2 = 0.6931471805599453;
inline constexpr float kLn2High = 0x1.63p-1f,
                       kLn2Low = -0x1.bd0106p-13f;  // nine bits, whose products are exact; the rest

/// exp((z - anchor) - excess) * factor for the elements of one row, prepared once in double.
struct ExpShift {
  float origin;     // subtracted exactly
  float lowest;     // smaller z - origin count as this: their exponential is zero
  float exponent;   // to base 2, what the origin left of the shift, and the factor
  float power;      // the exponent's whole part,
  float remainder;  // and its rest, in [-1/2, 1/2] and times ln 2
  float remainder_by_ln2;
  float sign;

  /// `most` is the largest z of the row.
  CUTLOSS_HD static ExpShift of(float most, double anchor, double excess, double factor) {
    ExpShift s;
    s.origin = std::fabs(most) < 256 ? 0 : most;
    s.lowest = most - s.origin - 1000;  // zero even times the largest factor
    const double size = std::fabs(factor);
    const double power = factor == 1 ? 0 : std::log2(size > 0x1p900 ? 0x1p900 : size);  // infinity would have no rest
    const double exponent = ((s.origin - anchor) - excess) * kLog2E + power;
    const double whole = std::rint(exponent);
    s.exponent = static_cast<float>(exponent);
    s.power = static_cast<float>(whole);
    s.remainder = static_cast<float>(exponent - whole);
    s.remainder_by_ln2 = static_cast<float>((exponent - whole) * kLn2);
    s.sign = factor < 0 ? -1.f : 1.f;
    return s;
  }
};

/// c[0] + c[1] x + c[2] x^2 + ..., every coefficient times `sign`.
template <class V, int kTerms>
CUTLOSS_HD typename V::F polynomial(typename V::F x, const float (&c)[kTerms], float sign) {
  typename V::F sum = V::splat(c[kTerms - 1] * sign);
  for (int i = kTerms - 2; i >= 0; --i) sum = V::multiply_add(sum, x, V::splat(c[i] * sign));
  return sum;
}

/// To float's precision.
template <class V>
CUTLOSS_HD typename V::F exp_shifted(typename V::F z, const ExpShift& s) {
  using F = typename V::F;
  constexpr float kTerms[] = {1, 1, 0x1.fffffap-2f, 0x1.555472p-3f, 0x1.555988p-5f, 0x1.125132p-7f, 0x1.69fd9cp-10f};
  const F d = V::max(V::splat(s.lowest), z - s.origin);  // not-a-number goes through
  const F n = V::round(V::multiply_add(d, V::splat(float(kLog2E)), V::splat(s.remainder)));
  const F r =
      V::multiply_add(n, V::splat(-kLn2High), d) + V::multiply_add(n, V::splat(-kLn2Low), V::splat(s.remainder_by_ln2));
  return V::scale_by_power(polynomial<V>(r, kTerms, s.sign), n + s.power);
}

/// 2^(k / 32). Not inline, as all tables here: levels of the CPU share nothing.
constexpr std::array<double, 32> kExactRootsOfTwo = [] {
  std::array<double, 32> roots = {};
  double root = 1;
  for (double& k : roots) {
    k = root;
    root *= 1.0218971486541166;
  }
  return roots;
}();

/// Each correctly rounded.
constexpr std::array<float, 32> kRootsOfTwo = [] {
  std::array<float, 32> roots = {};
  for (int k = 0; k < 32; ++k) roots[k] = static_cast<float>(kExactRootsOfTwo[k]);
  return roots;
}();

/// Whether a level has the 2^(k / 32) of the five lowest bits of each lane.
template <class V>
concept LooksUpRoots = requires(typename V::I k) { V::root_of_two(k); };

inline constexpr float kToThirtySeconds = 0x1.8p18f;  // its last place is 1/32

/// exp(z - reference), for a sum that holds a term near one. Only the difference is rounded before the reduction, now
/// up and now down: terms far from the reference are less exact, but the more of them there are, the more that evens
/// out. Where a level looks up the roots of two, a parabola does for the rest. The reference may differ from lane to
/// lane.
template <class V, class Reference>
CUTLOSS_HD typename V::F exp_term(typename V::F z, Reference reference) {
  using F = typename V::F;
  constexpr float kLog2EHigh = 0x1.715476p+0f, kLog2ELow = 0x1.4ae0cp-26f;
  const F d = V::max(V::splat(-1400.f), z - reference);  // not-a-number goes through
  const auto reduce = [&](F n) {
    return V::multiply_add(d, V::splat(kLog2ELow), V::multiply_add(d, V::splat(kLog2EHigh), -n));
  };
  if constexpr (LooksUpRoots<V>) {
    const F shifted = V::multiply_add(d, V::splat(kLog2EHigh), V::splat(kToThirtySeconds));
    const F n = shifted - kToThirtySeconds, x = reduce(n);
    const F root = V::root_of_two((typename V::I)shifted);
    const F rest = V::multiply_add(x, V::splat(0x1.ebfbdep-3f), V::splat(0x1.62e584p-1f));  // (2^x - 1) / x
    return V::scale_by_power(V::multiply_add(root * x, rest, root), n);
  }
  constexpr float kTerms[] = {1,
                              0x1.62e43p-1f,
                              0x1.ebfbdcp-3f,
                              0x1.c6aee2p-5f,
                              0x1.3b2d58p-7f,
                              0x1.5f41cap-10f,
                              0x1.41f98p-13f};  // 2^x, |x| <= 1/2
  const F n = V::round(d * kLog2EHigh);
  return V::scale_by_power(polynomial<V>(reduce(n), kTerms, 1.f), n);
}

/// The same in place of each z, for terms that are added up or rounded to 16 bits: where a level looks up the roots of
/// two, the reduction is exact but for 3e-9 of z - reference, and the product is rounded once more. Step by step for
/// all, since each step waits for the one before.
template <class V, int kCount>
CUTLOSS_HD void exp_addends(typename V::F (&z)[kCount], float reference) {
  using F = typename V::F;
  if constexpr (LooksUpRoots<V>) {
    F shifted[kCount], n[kCount];
    for (F& d : z) d = V::max(V::splat(-1400.f), d - reference);  // not-a-number goes through
    for (int i = 0; i < kCount; ++i) {
      shifted[i] = V::multiply_add(z[i], V::splat(float(kLog2E)), V::splat(kToThirtySeconds));
    }
    for (int i = 0; i < kCount; ++i) n[i] = shifted[i] - kToThirtySeconds;
    for (int i = 0; i < kCount; ++i) z[i] = V::multiply_add(n[i], V::splat(-float(kLn2)), z[i]);
    for (int i = 0; i < kCount; ++i) n[i] = V::scale_by_power(V::root_of_two((typename V::I)shifted[i]), n[i]);
    for (F& x : z) {
      const F rest = V::multiply_add(x, V::splat(0x1.00006p-1f), V::splat(0x1.0000f6p+0f));  // (e^x - 1) / x
      x = V::multiply_add(rest, x, V::splat(1.f));
    }
    for (int i = 0; i < kCount; ++i) z[i] *= n[i];
  } else {
    for (F& e : z) e = exp_term<V>(e, reference);
  }
}

/// Whether a level finds the floats of a register by the lowest bits of each lane.
template <class V>
concept LooksUpLanes = requires(typename V::F table, typename V::I k) { V::look_up(table, k); };

/// exp(z) * factor in fewer steps than exp_shifted() where there are enough elements to pay for the tables: 2^(k /
/// lanes) times the factor, and what these lack, relative to them. To 1.2 half-units in the last place, twice that
/// where it is subnormal, and not for results next to the largest float. Where powers of two are added to the exponent
/// it is for normal results only: ask reaches() first.
///
/// For a sum that holds terms near one, factors can be had whose eight roots lack nothing (reference()), and z is
/// reduced in one step, by a log 2 that is a little too large. Terms near one all lose the same by that (lost()), which
/// the sum can be given back; the rest lose a little more or less, but are smaller by far more than that.
template <class V, bool kInSum = false>
class ExpByRoots {
 public:
  using F = typename V::F;
  using I = typename V::I;

  static constexpr bool kAddsPowers = requires(F root, I eighths) { V::raise(root, eighths); };

  /// A factor whose tables are no subnormals. Elements that are zero by it were no more by another.
  static bool serves(double factor) { return std::fabs(factor) > 0x1p-100 && std::fabs(factor) < 0x1p100; }

  explicit ExpByRoots(double factor) {
    float roots[kRoots], lack[kRoots];
    int32_t k_down[kRoots];
    for (int k = 0; k < kRoots; ++k) {
      const double root = kExactRootsOfTwo[32 / kRoots * k] * factor;
      roots[k] = static_cast<float>(root);
      lack[k] = static_cast<float>(1 - roots[k] / root);
      k_down[k] = -k;
    }
    roots_ = V::load(roots);
    if constexpr (kAddsPowers) {
      const double power = std::log(std::fabs(factor));
      roots_ = V::raise(roots_, V::template load_as<I>(k_down));
      lowest_ = V::splat(static_cast<float>(-124 * kLn2 - power));
      highest_ = V::splat(static_cast<float>(124 * kLn2 - power));
    }
    lack_ = V::load(lack);
  }

  /// Whether these have normal results, or one of them is not a number.
  template <int kCount>
  bool reaches(const F (&z)[kCount]) const {
    if constexpr (kAddsPowers) {
      F least = z[0], most = z[0];
      for (int i = 1; i < kCount; ++i) least = V::min(least, z[i]), most = V::max(most, z[i]);
      return V::bits((least < lowest_) | (most > highest_)) == 0;
    }
    return true;
  }

  /// A number a little above `most` whose exp(-reference), times each of the eight roots of two, is a float but for
  /// 3e-9 of it: a power of such a root times a number found by trying all. exp(most - reference) is just below one,
  /// where floats are closest to what they round. For |most| < 100, beyond which it is `most`.
  static double reference(double most) {
    constexpr double kLogOfFound = 0.084079081601426547;  // of 0x1.16747bf8p+0
    constexpr double kStep = kLn2 / 8, kAbove = 0.1;
    if (!kInSum || !(std::fabs(most) < 100)) return most;
    return std::rint((most + kAbove + kLogOfFound) / kStep) * kStep - kLogOfFound;
  }

  /// Terms near one come out as exp(z - reference - lost).
  static double lost(double reference) {
    return kInSum && std::fabs(reference) < 100 ? reference * (float(kLn2) / kLn2 - 1) : 0;
  }

  F operator()(F z) const {
    constexpr float kToRoots = 0x1.8p23f / kRoots;                 // its last place is a root
    if constexpr (!kAddsPowers) z = V::max(V::splat(-1400.f), z);  // not-a-number goes through
    const F shifted = V::multiply_add(z, V::splat(float(kLog2E)), V::splat(kToRoots));
    const F n = shifted - kToRoots;
    const F r = kInSum ? V::multiply_add(n, V::splat(-float(kLn2)), z)
                       : V::multiply_add(n, V::splat(-kLn2Low), V::multiply_add(n, V::splat(-kLn2High), z));
    const auto k = (I)shifted;
    const F root = power(V::look_up(roots_, k), k, n);
    const F beyond = kInSum ? r : r + V::look_up(lack_, k);
    return V::multiply_add(root, V::multiply_add(r * r, rest(r), beyond), root);
  }

 private:
  static constexpr int kRoots = V::kLanes;

  /// root * 2^n, n rounded down.
  static F power(F root, I k, F n) {
    if constexpr (kAddsPowers) {
      return V::raise(root, k);
    } else {
      return V::scale_by_power(root, n);
    }
  }

  /// (e^r - 1 - r) / r^2
  static F rest(F r) {
    if constexpr (kRoots >= 16) {
      return V::multiply_add(r, V::splat(0x1.555556p-3f), V::splat(0x1.00022p-1f));
    } else {
      const F slope = V::multiply_add(r, V::splat(1.f / 24), V::splat(1.f / 6));
      return V::multiply_add(r, slope, V::splat(0.5f));
    }
  }

  F roots_, lack_, lowest_, highest_;
};

/// Relative error 3e-06, for results that are rounded to 16 bits. 2^x is V's own where it has one.
template <class V>
CUTLOSS_HD typename V::F exp_shifted_16(typename V::F z, const ExpShift& s) {
  using F = typename V::F;
  constexpr float kTerms[] = {0x1.ffffe6p-1f, 0x1.62e0bap-1f, 0x1.ec074cp-3f, 0x1.ca2592p-5f,
                              0x1.398fc0p-7f};  // 2^x, |x| <= 1/2
  const F t = V::multiply_add(V::max(V::splat(s.lowest), z - s.origin), V::splat(float(kLog2E)), V::splat(s.exponent));
  if constexpr (requires { V::exp2(t); }) return V::exp2(t) * s.sign;
  const F n = V::round(t);
  return V::scale_by_power(polynomial<V>(t - n, kTerms, s.sign), n);
}

}  // namespace cutloss::math
