// The policy of the rows kernels: every tiling must be one that the kernels can run.
#include "cuda/rows/tiling.h"

#include <initializer_list>

#include "test/native/check.h"

using namespace cutloss::cuda;

int main() {
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
