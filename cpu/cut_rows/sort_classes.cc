#include "cpu/cut_rows/sort_classes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cutloss::cpu {

void sort_classes(CutCall& call) {
  const CutRowsRequest& r = call.r;
  const CutBuffers& b = call.b;
  float* mean = b.panels;  // which nobody needs yet
  std::fill_n(mean, r.dim, 0.f);
  for (int64_t row = 0; row < r.rows; ++row) {
    if (b.ids[row] >= 0)
      call.k.add_scaled(mean, call.hidden_row(row), r.dim, 1 / (float(r.rows) * float(r.temperature)));
  }
  call.run(divide_up(r.classes, kBlock), 0, [&](int64_t i, float*) {
    const Range block = part_of({0, r.classes}, kBlock, i);
    for (int64_t id = block.first; id < block.end(); ++id) {
      const float key = call.k.dot(mean, call.classifier_row(id), r.dim) + b.keys[id];
      b.keys[id] = std::isnan(key) ? -INFINITY : key;
    }
  });

  std::iota(b.order, b.order + r.classes, 0);
  std::sort(b.order, b.order + r.classes,
            [&](int32_t x, int32_t y) { return b.keys[x] != b.keys[y] ? b.keys[x] > b.keys[y] : x < y; });
  for (int64_t place = 0; place < r.classes; ++place) b.place_of[b.order[place]] = int32_t(place);
  for (int64_t row = 0; row < r.rows; ++row) b.places[row] = b.ids[row] < 0 ? b.ids[row] : b.place_of[b.ids[row]];
}

}  // namespace cutloss::cpu
