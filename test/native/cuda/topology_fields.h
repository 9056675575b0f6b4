// Fields that are hard for one algorithm or another: merge trees as high as there are voxels, all ties, few values.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

namespace cutloss::test {

struct Shape {
  int items, depth, height, width;  // depth 0: two axes

  int planes() const { return depth > 0 ? depth : 1; }
};

using Random = std::mt19937;
using Fill = std::vector<float> (*)(const Shape&, Random&);

/// value(random, item, z, y, x) everywhere.
template <class Value>
std::vector<float> fill_by(const Shape& s, Random& random, const Value& value) {
  std::vector<float> values;
  for (int item = 0; item < s.items; ++item) {
    for (int z = 0; z < s.planes(); ++z) {
      for (int y = 0; y < s.height; ++y) {
        for (int x = 0; x < s.width; ++x) values.push_back(static_cast<float>(value(random, item, z, y, x)));
      }
    }
  }
  return values;
}

/// Every value the mean of those around it along each axis, three times over: what networks give.
inline std::vector<float> blurred(const Shape& s, std::vector<float> values) {
  const int extents[3] = {s.planes(), s.height, s.width};
  for (int pass = 0; pass < 9; ++pass) {
    const int axis = pass % 3, extent = extents[axis];
    const int stride = axis == 2 ? 1 : axis == 1 ? s.width : s.height * s.width;
    std::vector<float> sums(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const int at = static_cast<int>(i) / stride % extent;
      const int from = std::max(0, at - 3), to = std::min(extent - 1, at + 3);
      double sum = 0;
      for (int x = from; x <= to; ++x) sum += values[i + static_cast<ptrdiff_t>(x - at) * stride];
      sums[i] = static_cast<float>(sum / (to - from + 1));
    }
    values = std::move(sums);
  }
  return values;
}

inline double uniform(Random& random) { return static_cast<double>(random()) / 4294967296.0; }

inline const std::vector<std::pair<const char*, Fill>> fields = {
    {"noise",
     [](const Shape& s, Random& r) { return fill_by(s, r, [](Random& r, int, int, int, int) { return uniform(r); }); }},
    {"smooth",
     [](const Shape& s, Random& r) {
       return blurred(s, fill_by(s, r, [](Random& r, int, int, int, int) { return uniform(r); }));
     }},
    {"few values",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [](Random& r, int, int, int, int) { return static_cast<double>(r() % 4) / 4; });
     }},
    {"mask",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [](Random& r, int, int, int, int) { return r() % 3 == 0 ? 1.0 : 0.0; });
     }},
    {"constant",
     [](const Shape& s, Random& r) { return fill_by(s, r, [](Random&, int, int, int, int) { return 0.5; }); }},
    {"ramp",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [&](Random&, int item, int z, int y, int x) {
         const int along = (z * s.height + y) * s.width + x;
         return static_cast<double>(item % 2 ? 1000 - along : along);
       });
     }},
    {"checkerboard",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [](Random&, int, int z, int y, int x) { return (x + y + z) % 2; });
     }},
    {"comb",
     [](const Shape& s, Random& r) {
       return fill_by(
           s, r, [&](Random&, int, int z, int y, int x) { return x % 2 ? 0.0 : 1.0 - 0.01 * (y + z) - 0.001 * x; });
     }},
    {"rings",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [&](Random&, int item, int z, int y, int x) {
         const int edge = std::min({x, y, s.width - 1 - x, s.height - 1 - y});
         return edge % 2 ? 1.0 - 0.03 * edge : 0.01 * ((edge + z + item) % 7);
       });
     }},
    {"spiral",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [&](Random&, int item, int z, int y, int x) {
         const double dx = x - s.width / 2.0, dy = y - s.height / 2.0, turns = std::atan2(dy, dx) / 6.283185307179586;
         const double radius = std::sqrt(dx * dx + dy * dy) / 4 - turns;
         const double along = std::floor(radius) + turns;
         return radius - std::floor(radius) < 0.5 ? 1 - 0.02 * along - 0.001 * (z + item) : 0.05 * turns;
       });
     }},
    {"infinities",
     [](const Shape& s, Random& r) {
       return fill_by(s, r, [](Random& r, int, int, int, int) {
         const unsigned pick = r() % 6;
         return pick == 0 ? HUGE_VAL : pick == 1 ? -HUGE_VAL : uniform(r);
       });
     }},
};

}  // namespace cutloss::test
