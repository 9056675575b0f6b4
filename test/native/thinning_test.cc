// Which pixels thinning may take in 3-D, by bits moved together, against a plain count: the cells of a cube one by one,
// and its neighbours reached one from the other.
#include "math/regions/thinning.h"

#include <random>

#include "test/native/check.h"

namespace {

struct Step {
  int z, y, x;
  static Step of(int bit) { return {bit / 9 - 1, bit / 3 % 3 - 1, bit % 3 - 1}; }
  int axes() const { return (z != 0) + (y != 0) + (x != 0); }
};

bool has(uint32_t bits, int bit) { return bits >> bit & 1; }

/// Cells are named by the neighbour on their side; a cube that has one too is at 0 or at the cell's side on every axis.
bool plain_keeps_euler_characteristic(uint32_t around) {
  const auto on_side = [](int cell, int cube) { return cube == 0 || cube == cell; };
  int gone = -1;  // the cube itself
  for (int cell = 0; cell < 27; ++cell) {
    const Step own = Step::of(cell);
    bool shared = cell == 13;
    for (int cube = 0; cube < 27; ++cube) {
      const Step at = Step::of(cube);
      if (cube == 13 || !has(around, cube)) continue;
      shared = shared || (on_side(own.z, at.z) && on_side(own.y, at.y) && on_side(own.x, at.x));
    }
    if (!shared) gone += own.axes() == 2 ? -1 : 1;
  }
  return gone == 0;
}

bool plain_hangs_together(uint32_t around) {
  const uint32_t others = around & ~(1u << 13);
  uint32_t reached = others & -others;
  for (uint32_t before = 0; before != reached;) {
    before = reached;
    for (int a = 0; a < 27; ++a) {
      for (int b = 0; b < 27; ++b) {
        const Step s = Step::of(a), t = Step::of(b);
        const bool touch = std::abs(s.z - t.z) <= 1 && std::abs(s.y - t.y) <= 1 && std::abs(s.x - t.x) <= 1;
        if (touch && has(reached, a) && has(others, b)) reached |= 1u << b;
      }
    }
  }
  return reached == others;
}

}  // namespace

int main() {
  using namespace cutloss;
  std::mt19937 random(1);
  int kept = 0, together = 0;
  for (int i = 0; i < 60000; ++i) {
    // sparse ones fall apart, dense ones do not
    const uint32_t any = static_cast<uint32_t>(random()), more = static_cast<uint32_t>(random());
    const uint32_t bits = i % 3 == 0 ? any : i % 3 == 1 ? any & more : any | more;
    const uint32_t around = (bits & 0x7ffffff) | 1u << 13;
    kept += math::keeps_euler_characteristic(around);
    together += math::hangs_together(around);
    CHECK(math::keeps_euler_characteristic(around) == plain_keeps_euler_characteristic(around));
    CHECK(math::hangs_together(around) == plain_hangs_together(around));
  }
  CHECK(kept > 5000 && kept < 55000);
  CHECK(together > 5000 && together < 59000);
  return test::finish("thinning");
}
