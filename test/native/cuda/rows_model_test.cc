// The model of docs/rows-gpu.md: what a GPU is assumed to do, and the tables that follow from it and from the tiling
// functions. Every line that it prints must stand in that page; with --print it shows them, to be put there.
#include <cstdarg>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "cuda/cut_rows/mma_kernels.h"
#include "cuda/cut_rows/wgmma_logits.h"
#include "test/native/check.h"

using namespace cutloss;
using namespace cutloss::cuda;

namespace {

/// Per clock, of one multiprocessor unless it says otherwise.
struct Gpu {
  int multiprocessors;
  double flops, l2_of_all, shared_bytes, exponentials;
  double sustained;  // flop/s of a bare product
};
constexpr Gpu kH200 = {132, 4096, 6144, 128, 16, 790e12}, kA100 = {108, 2048, 5120, 128, 16, 270e12};
constexpr double kMemory = 4.8e12;     // bytes/s of an H200
constexpr double kIssues = 4.4;        // instructions per logit beside its exponential
constexpr double kBetweenTiles = 300;  // clocks in which no product is issued
constexpr double kUnhidden = 0.05;     // of the arithmetic, where it falls into products

struct Tile {
  const char* name;
  int rows, columns;
  int warp_rows, warp_columns;  // of what reads its operands for itself: a warp, or a warpgroup's instruction
  int share_a, share_b;         // blocks that share a tile of a, or b
  bool hides;                   // its arithmetic in products
};

double clocks(const Gpu& g, const Tile& t) { return 2.0 * t.rows * t.columns * kWgmmaDepth / g.flops; }
double l2_bytes(const Tile& t) {
  return 128.0 * t.rows / t.share_a + 128.0 * t.columns / t.share_b;  // a line of a tile is 128 bytes
}
double l2_per_clock(const Gpu& g, const Tile& t) { return l2_bytes(t) * g.multiprocessors / clocks(g, t); }
double shared_read(const Tile& t) {
  return 128.0 * (t.warp_rows + t.warp_columns) * (t.rows / t.warp_rows) * (t.columns / t.warp_columns);
}
double arithmetic(const Gpu& g, const Tile& t) {
  const double logits = double{1} * t.rows * t.columns;
  return std::fmax(logits / g.exponentials, logits / 32 * kIssues / 4);
}
/// Of the tensor pipe; `logits`: the sums are logits, which cost arithmetic.
double share_of_peak(const Gpu& g, const Tile& t, int64_t dim, bool logits) {
  const double useful = clocks(g, t) * static_cast<double>(divide_up(dim, kWgmmaDepth));
  const double bytes = shared_read(t) + 128.0 * (t.rows + t.columns);
  const double slowest = std::fmax(l2_per_clock(g, t) / g.l2_of_all, bytes / clocks(g, t) / g.shared_bytes);
  const double rest = logits ? arithmetic(g, t) * (t.hides ? kUnhidden : 1) : 0;
  return useful / (useful * std::fmax(1, slowest) + rest + kBetweenTiles);
}

std::string page;
bool printing = false;

[[gnu::format(printf, 1, 2)]] void line(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (printing) {
    std::puts(text);
  } else if (!CHECK(page.find(text) != std::string::npos)) {
    std::printf("  docs/rows-gpu.md lacks: %s\n", text);
  }
}

constexpr Tile kLogitTile = {"**128 x 256, two blocks apart, cluster of 2** (logits)",
                             kCutRows,
                             kWgmmaColumns,
                             64,
                             kWgmmaColumns,
                             1,
                             kLogitCluster,
                             true};
constexpr Tile kProductTile = {
    "128 x 256, no cluster (products)", kCutRows, kWgmmaColumns, 64, kWgmmaColumns, 1, 1, false};
constexpr Tile kMmaTile = {
    "128 x 128, mma.sync on an A100", kCutRows, kMmaColumns, kWarpRows, kWarpColumns, 1, 1, false};

void tiles() {
  const auto row = [](const Gpu& g, const Tile& t, bool logits, int64_t shorter = 2304, int64_t longer = 4096) {
    const double read = shared_read(t) / clocks(g, t) / g.shared_bytes;
    const double written = 128.0 * (t.rows + t.columns) / clocks(g, t) / g.shared_bytes;
    char work[32] = "none";
    if (logits) std::snprintf(work, sizeof work, t.hides ? "%.0f, hidden" : "%.0f", arithmetic(g, t));
    line("| %s | %.0f | %.0f of %.0f | %.1f | %.0f + %.0f %% | %s | %.1f / %.1f %% |", t.name, clocks(g, t),
         l2_per_clock(g, t), g.l2_of_all, g.sustained / (2.0 * t.rows * t.columns * kWgmmaDepth) * l2_bytes(t) / 1e12,
         100 * read, 100 * written, work, 100 * share_of_peak(g, t, shorter, logits),
         100 * share_of_peak(g, t, longer, logits));
  };
  row(kH200, {"128 x 256, warpgroups in step", 128, 256, 64, 256, 1, 1, false}, true);
  row(kH200, {"128 x 256, two blocks apart", 128, 256, 64, 256, 1, 1, true}, true);
  row(kH200, {"128 x 256, in step, cluster of 2", 128, 256, 64, 256, 1, 2, false}, true);
  row(kH200, kLogitTile, true);
  row(kH200, {"128 x 256, two blocks apart, cluster of 2 x 2", 128, 256, 64, 256, 2, 2, true}, true);
  row(kH200, {"128 x 192 ping-pong, cluster of 2", 128, 192, 64, 192, 1, 2, true}, true);
  row(kH200, {"128 x 128 ping-pong, cluster of 2", 128, 128, 64, 128, 1, 2, true}, true);
  row(kH200, kProductTile, false, 8192, 16384);
  row(kA100, kMmaTile, true);
}

struct Shape {
  int64_t rows, classes, dim;
};
constexpr Shape kShapes[] = {{8192, 256000, 2304}, {16384, 128256, 4096}, {4096, 151936, 4096}, {8192, 131072, 4096}};
constexpr int64_t kElement = 2, kWorkspace = int64_t{512} << 20;

double busy(int64_t units, int64_t workers) { return static_cast<double>(occupancy(units, workers)) / 1000; }

struct Plan {
  int spans;
  int64_t partials, rows, sums, chunk, chunk_bytes;
  TileOrder order;

  explicit Plan(const Shape& s) {
    spans = logit_spans(CutPath::kWgmma, s.rows, divide_up(s.classes, kWgmmaColumns), s.dim * kElement,
                        kH200.multiprocessors);
    partials = int64_t{sizeof(CutPartial)} * s.rows * spans;
    rows = s.rows * int64_t{sizeof(CutRow) + sizeof(float) + sizeof(int32_t)};
    sums = s.rows * s.dim * int64_t{sizeof(float)};
    chunk = plan_cut(s.rows, s.classes, kElement, kWgmmaColumns, kWorkspace - partials - rows - sums).chunk;
    chunk_bytes = chunk * s.rows * kElement + chunk / kPieceClasses * kept_row_stride(s.rows);
    order = gradient_order(CutPath::kWgmma, s.rows, chunk / kWgmmaColumns, s.dim * kElement);
  }
};

void launches() {
  for (const Shape& s : kShapes) {
    const Plan plan(s);
    const int64_t clusters = kH200.multiprocessors / kLogitCluster, units = row_units(CutPath::kWgmma, s.rows);
    const int64_t at_once = std::max<int64_t>(clusters / plan.spans, 1), times = divide_up(units, at_once);
    const double bytes = static_cast<double>(s.classes * s.dim * kElement * times);
    const int64_t dim_blocks = divide_up(s.dim, kWgmmaColumns);
    const int64_t of_classifier = divide_up(plan.chunk, kCutRows) * dim_blocks;
    const int64_t of_hidden = divide_up(s.rows, kCutRows) * dim_blocks;
    line(
        "| %lld x %lld x %lld | %d, %.0f %% | %.1f GB, %.1f ms | %lld x %lld, %.0f %% | %lld, %.0f %% | %lld, %.0f %% "
        "|",
        static_cast<long long>(s.rows), static_cast<long long>(s.classes), static_cast<long long>(s.dim), plan.spans,
        100 * busy(units * plan.spans, clusters), bytes / 1e9, bytes / kMemory * 1e3,
        static_cast<long long>(plan.order.row_units), static_cast<long long>(plan.order.tiles),
        100 * busy(plan.order.count(), clusters), static_cast<long long>(of_classifier),
        100 * busy(of_classifier, kH200.multiprocessors), static_cast<long long>(of_hidden),
        100 * busy(of_hidden, kH200.multiprocessors));
  }
}

void expected() {
  for (const Shape& s : kShapes) {
    const Plan plan(s);
    const double product = 2.0 * static_cast<double>(s.rows * s.classes) * static_cast<double>(s.dim);
    const double floor = product / kH200.sustained * 1e3;
    const int64_t clusters = kH200.multiprocessors / kLogitCluster, dim_blocks = divide_up(s.dim, kWgmmaColumns);
    const double logits = share_of_peak(kH200, kLogitTile, s.dim, true);
    const double forward = floor / logits / busy(row_units(CutPath::kWgmma, s.rows) * plan.spans, clusters);
    const double dz = floor / logits / busy(plan.order.count(), clusters);
    const auto of = [&](int64_t outer, int64_t inner) {
      return floor / share_of_peak(kH200, kProductTile, inner, false) /
             busy(divide_up(outer, kCutRows) * dim_blocks, kH200.multiprocessors);
    };
    const double all = forward + dz + of(plan.chunk, s.rows) + of(s.rows, plan.chunk);
    line("| %lld x %lld x %lld | %.1f | %.1f, %.0f %% | %.1f | %.1f, %.0f %% |", static_cast<long long>(s.rows),
         static_cast<long long>(s.classes), static_cast<long long>(s.dim), floor, forward, 100 * floor / forward,
         4 * floor, all, 400 * floor / all);
  }
}

void memory() {
  const Shape s = kShapes[0];
  const Plan plan(s);
  const auto mb = [](int64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  const auto mebi = [](int64_t bytes) { return static_cast<double>(bytes) / 0x1p20; };
  line("| partial results | %zu x rows x spans (twice that for mma.sync) | %.1f MB |", sizeof(CutPartial),
       mb(plan.partials));
  line("| rows | %zu x rows, and 4 x rows each for target logits and lists | %.1f MB |", sizeof(CutRow), mb(plan.rows));
  line("| largest z of tiles, where the filter may skip some | 2 x rows x classes / %d (mma.sync: / %d) | %.1f MB |",
       warp_columns(CutPath::kWgmma), warp_columns(CutPath::kMma),
       mb(2 * s.rows * divide_up(s.classes, kWgmmaColumns)));
  line("| bias as floats | 4 x classes | %.1f MB |", mb(4 * s.classes));
  line("| sums of hidden's gradient, 16-bit types, if there is more than one chunk | 4 x rows x dim | %.1f MB |",
       mb(plan.sums));
  line("| dz and the filter's map, by chunks of up to 16384 classes | chunk x rows x (element + 1/1024) | %.1f MB |",
       mb(plan.chunk_bytes));
  const int64_t whole = plan.partials + plan.rows + plan.sums + plan.chunk_bytes;
  line("In all %.0f MiB of the default workspace of 512 MiB at that shape, without filter and bias.", mebi(whole));
  CHECK(plan.chunk == 16384 && whole <= kWorkspace);
  line("| shared memory | logits %zu bytes, products %zu | %zu bytes, so that 8.6, 8.9 and 12.0 (99 KiB) run it too |",
       sizeof(LogitShared), sizeof(WgmmaRing), LogitLoop<BFloat16>::kSharedBytes);
  CHECK(sizeof(LogitShared) <= 227 * 1024 && LogitLoop<float>::kSharedBytes <= 99 * 1024);
}

}  // namespace

int main(int argc, char** argv) {
  printing = argc > 1 && std::strcmp(argv[1], "--print") == 0;
  std::ifstream file(CUTLOSS_ROWS_PAGE);
  page.assign(std::istreambuf_iterator<char>(file), {});
  tiles();
  launches();
  expected();
  memory();
  return cutloss::test::finish("rows model");
}
