// float16 and bfloat16 storage: every value widens exactly and comes back; narrowing picks the nearest, ties to even,
// judged against a search through all values; NaN stays NaN.
#include "math/float16.h"

#include <cmath>
#include <random>

#include "test/native/check.h"

using namespace cutloss;

template <class T>
T of_bits(uint32_t bits) {
  return T{uint16_t(bits)};
}

template <class T>
bool is_nan(T x) {
  return std::isnan(math::widen(x));
}

template <class T>
void every_value_round_trips() {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    T back;
    math::narrow(math::widen(of_bits<T>(bits)), &back);
    CHECK(back.bits == bits || (is_nan(of_bits<T>(bits)) && is_nan(back)));
  }
}

/// Halfway between two neighbours, just below and just above.
template <class T>
void ties_go_to_even(uint32_t infinity) {
  for (uint32_t bits = 0; bits + 1 < infinity; ++bits) {
    const float low = math::widen(of_bits<T>(bits)), high = math::widen(of_bits<T>(bits + 1));
    const float middle = low + (high - low) / 2;
    if (double(middle) != (double(low) + double(high)) / 2) continue;  // not a float: between subnormal bfloat16
    T tie, below, above;
    math::narrow(middle, &tie);
    math::narrow(std::nextafter(middle, 0.f), &below);
    math::narrow(std::nextafter(middle, INFINITY), &above);
    CHECK(tie.bits == (bits % 2 == 0 ? bits : bits + 1));
    CHECK(below.bits == bits);
    CHECK(above.bits == bits + 1);
    T negative;
    math::narrow(-middle, &negative);
    CHECK(negative.bits == (tie.bits | 0x8000));
  }
}

template <class T>
void the_ends(float most) {
  T x;
  math::narrow(most, &x);
  CHECK(math::widen(x) == most);
  math::narrow(INFINITY, &x);
  CHECK(std::isinf(math::widen(x)));
  math::narrow(std::nanf(""), &x);
  CHECK(is_nan(x));
  math::narrow(math::float_of(0x7f800001u), &x);  // a signalling NaN whose payload lies in the lost bits
  CHECK(is_nan(x));
  math::narrow(-0.f, &x);
  CHECK(x.bits == 0x8000);
}

int main() {
  every_value_round_trips<Half>();
  every_value_round_trips<BFloat16>();
  ties_go_to_even<Half>(0x7c00);
  ties_go_to_even<BFloat16>(0x7f80);
  the_ends<Half>(65504);
  the_ends<BFloat16>(0x1.fep127f);
  Half h;
  math::narrow(65520.f, &h);
  CHECK(h.bits == 0x7c00);
  return test::finish("float16");
}
