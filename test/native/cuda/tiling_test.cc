// The policies of the kernels over rows and over cut logits: every tiling must be one that the kernels can run.
#include "cuda/cut_rows/tiling.h"

#include <initializer_list>
#include <vector>

#include "test/native/check.h"

using namespace cutloss::cuda;

namespace {

/// The spans cover every tile of classes once, and a machine has enough to do.
void check_spans() {
  for (const CutPath path : {CutPath::kMma, CutPath::kWgmma}) {
    for (const int64_t rows : {1, 127, 128, 129, 8192, 16384, 1 << 20}) {
      for (const int64_t classes : {1, 256, 257, 50257, 256000, 1 << 30}) {
        for (const int64_t dim : {1, 768, 2304, 4096}) {
          const int64_t tiles = divide_up(classes, tile_columns(path));
          const int spans = logit_spans(path, rows, tiles, dim * 2, 132);
          CHECK(spans >= 1 && spans <= 64 && spans <= tiles);
          CHECK(share_begin(tiles, spans, 0) == 0 && share_begin(tiles, spans, spans) == tiles);
          for (int i = 0; i < spans; ++i) CHECK(share_begin(tiles, spans, i) < share_begin(tiles, spans, i + 1));
        }
      }
    }
  }
  // the shapes of docs/rows-gpu.md
  CHECK(logit_spans(CutPath::kWgmma, 8192, 1000, 2304 * 2, 132) == 4);
  CHECK(logit_spans(CutPath::kWgmma, 16384, 501, 4096 * 2, 132) == 6);
}

/// Every tile comes once, and those of a group of row units one after another.
void check_order() {
  for (const int64_t units : {1, 2, 7, 64}) {
    for (const int64_t tiles : {1, 3, 64}) {
      for (const int64_t group : {1, 3, 21, 1000}) {
        const TileOrder order = {units, tiles, group};
        std::vector<int> seen(static_cast<size_t>(order.count()), 0);
        for (int64_t i = 0; i < order.count(); ++i) {
          const TileOrder::At at = order.at(i);
          if (!CHECK(at.row_unit >= 0 && at.row_unit < units && at.tile >= 0 && at.tile < tiles)) return;
          CHECK(at.row_unit / group == i / (group * tiles));
          ++seen[static_cast<size_t>(at.row_unit * tiles + at.tile)];
        }
        for (const int times : seen) CHECK(times == 1);
      }
    }
  }
  CHECK(gradient_order(CutPath::kWgmma, 8192, 64, 2304 * 2).group == 21);
  CHECK(gradient_order(CutPath::kMma, 1, 1, int64_t{1} << 40).group == 1);
}

/// Whatever the workspace, the gradient has a plan of whole tiles; and it stays within a workspace that allows any.
void check_plans() {
  for (const int64_t rows : {1, 129, 8192, 1 << 20}) {
    for (const int64_t classes : {1, 507, 152064, 1 << 24}) {
      for (const int64_t element : {2, 4}) {
        for (const int64_t columns : {kMmaColumns, kWgmmaColumns}) {
          for (const int64_t workspace : {int64_t{-1} << 40, int64_t{1}, int64_t{512} << 20, int64_t{1} << 40}) {
            const CutPlan plan = plan_cut(rows, classes, element, columns, workspace);
            CHECK(plan.chunk >= columns && plan.chunk % columns == 0 && plan.chunk <= round_up(classes, columns));
            const int64_t logits = plan.stores_logits ? rows * round_up(classes, columns) * 4 : 0;
            const int64_t used = logits + plan.chunk * bytes_per_class(rows, element);
            CHECK(used <= workspace || (!plan.stores_logits && plan.chunk == columns));
            CHECK(plan.chunk * rows * element + plan.chunk / kPieceClasses * kept_row_stride(rows) <=
                  plan.chunk * bytes_per_class(rows, element));
          }
        }
      }
    }
  }
  CHECK(has_room_to_sort(50257, 2048, 2, int64_t{512} << 20) && !has_room_to_sort(256000, 2304, 2, int64_t{512} << 20));
  CHECK(plan_cut(4096, 32000, 2, kWgmmaColumns, int64_t{1} << 30).stores_logits);
  CHECK(!plan_cut(8192, 256000, 2, kWgmmaColumns, int64_t{512} << 20).stores_logits);
}

/// What lies beyond 2^31 elements.
void check_far_indices() {
  const int64_t rows = int64_t{1} << 22, classes = int64_t{1} << 20;
  const int64_t stride = kept_row_stride(rows);
  CHECK(stride == rows / kPieceRows);
  CHECK(kept_at(rows - 1, classes - 1, stride) == rows / kPieceRows * (classes / kPieceClasses) - 1);
  CHECK(kept_at(rows - 1, classes - 1, stride) > INT32_MAX);
  CHECK(share_begin(int64_t{1} << 40, 64, 63) == (int64_t{1} << 40) / 64 * 63);
  CHECK(round_up((int64_t{1} << 40) + 1, 256) == (int64_t{1} << 40) + 256);
}

}  // namespace

int main() {
  check_spans();
  check_order();
  check_plans();
  check_far_indices();
  for (const int64_t rows : {int64_t{1}, int64_t{7}, int64_t{8192}, int64_t{1} << 33}) {
    for (const int64_t classes : {1, 2, 3, 4, 5, 31, 32, 127, 1024, 1025, 2048, 32000, 256000, 2147483647}) {
      for (const int64_t element_size : {2, 4}) {
        for (const int multiprocessors : {1, 4, 132}) {
          const RowTiling t = tile_rows(rows, classes, element_size, multiprocessors);
          CHECK((t.team & (t.team - 1)) == 0 && t.team >= 1);
          CHECK(t.team <= kWarp || t.team == t.threads);
          CHECK(t.threads % kWarp == 0 && t.threads <= kMostRowThreads && t.threads % t.team == 0);
          CHECK(t.blocks >= 1 && t.blocks <= divide_up(rows, t.teams()));
          CHECK(t.blocks <= 4 * multiprocessors * kResidentRowBlocks * kMostRowThreads / t.threads);
        }
      }
    }
    CHECK(tile_targets(rows) >= 1 && tile_targets(rows) <= 256);
  }
  CHECK(team_size(2, 4) == 1);
  CHECK(team_size(1000, 4) == kWarp);
  CHECK(team_size(32000, 4) == kMostRowThreads);
  CHECK(team_size(32000, 2) == kMostRowThreads);
  return cutloss::test::finish("tiling");
}
