// tanh in float as a fraction of two polynomials: multiplications and additions where exponentials would cost a GPU
// three times as much. Relative error below 5 half-units in the last place (test/native/tanh_test.cc), which is what
// the exponential form loses for small arguments many times over.
#pragma once

#include "math/hd.h"

namespace cutloss::math {

struct Fraction {
  float numerator, denominator;  // the denominator is positive
};

CUTLOSS_HD Fraction tanh_fraction(float x) {
  constexpr float kOne = 7.90531110763549805f;  // where float can no longer tell tanh from one
  constexpr float kOdd[] = {4.89352455891786e-03f,  6.37261928875436e-04f, 1.48572235717979e-05f, 5.12229709037114e-08f,
                            -8.60467152213735e-11f, 2.00018790482477e-13f, -2.76076847742355e-16f};
  constexpr float kEven[] = {4.89352518554385e-03f, 2.26843463243900e-03f, 1.18534705686654e-04f,
                             1.19825839466702e-06f};
  x = x < -kOne ? -kOne : x > kOne ? kOne : x;  // not-a-number goes through
  const float square = x * x;
  float odd = kOdd[6], even = kEven[3];
  for (int i = 5; i >= 0; --i) odd = std::fma(odd, square, kOdd[i]);
  for (int i = 2; i >= 0; --i) even = std::fma(even, square, kEven[i]);
  return {odd * x, even};
}

}  // namespace cutloss::math
