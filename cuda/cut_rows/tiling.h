// How losses on cut logits divide their work on a GPU, as pure functions: tiles, spans of the vocabulary, chunks of it
// for the gradient, and where things lie. docs/rows-gpu.md derives the numbers. Counts of rows, classes and dimensions
// fit 31 bits, their products do not: whatever is an offset is of 64.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuda/rows/tiling.h"

namespace cutloss::cuda {

/// What computes the tiles: mma.sync fed by cp.async (compute capability 8.0 and later), or wgmma fed by TMA (9.0).
enum class CutPath { kMma, kWgmma };

inline constexpr int kCutRows = 128;     // rows of every tile
inline constexpr int kMmaColumns = 128;  // classes of a tile of logits
inline constexpr int kWgmmaColumns = 256;
inline constexpr int kLogitCluster = 2;      // blocks of wgmma that share a tile of the classifier
inline constexpr int kProductColumns = 128;  // of a tile of a gradient, along dim; 256 on the path of wgmma

// The filter decides about pieces of dz that one warp holds; a gradient skips blocks of its inner dimension that have
// no piece left.
inline constexpr int kPieceRows = 16;
inline constexpr int kPieceClasses = 64;

inline constexpr int64_t kMostSide = int64_t{1} << 30;  // of rows, classes and dim

constexpr int64_t round_up(int64_t n, int64_t unit) { return divide_up(n, unit) * unit; }

/// A tile of mma.sync is two warps wide, each with partial results of its own.
constexpr int parts_per_span(CutPath path) { return path == CutPath::kMma ? 2 : 1; }

/// Row blocks that are computed side by side, and tiles at a time that a machine computes.
CUTLOSS_HD constexpr int row_cluster(CutPath path) { return path == CutPath::kWgmma ? kLogitCluster : 1; }

/// Classes of a tile that one warp holds of its rows: for each row and so many classes the statistics leave a maximum.
CUTLOSS_HD constexpr int warp_columns(CutPath path) { return path == CutPath::kMma ? kPieceClasses : kWgmmaColumns; }

CUTLOSS_HD constexpr int tile_columns(CutPath path) { return path == CutPath::kWgmma ? kWgmmaColumns : kMmaColumns; }

/// wgmma takes 16-bit numbers, and TMA rows that begin on 16 bytes.
constexpr CutPath choose_path(int compute_capability, int64_t dim, int64_t element_size, bool aligned) {
  return compute_capability == 90 && element_size == 2 && dim * element_size % 16 == 0 && aligned ? CutPath::kWgmma
                                                                                                  : CutPath::kMma;
}

/// The i-th of `parts` nearly equal shares of `count` begins here.
CUTLOSS_HD constexpr int64_t share_begin(int64_t count, int64_t parts, int64_t i) { return count * i / parts; }

/// How much of the machine works on average when `units` alike are handed out to `workers`, in parts of a thousand.
constexpr int64_t occupancy(int64_t units, int64_t workers) {
  return units * 1000 / (divide_up(units, workers) * workers);
}

inline constexpr int64_t kResidentBytes = int64_t{24} << 20;  // half of an H200's L2 cache

/// Into how many spans the classes of a launch fall. Row blocks times spans are its units of work, of which those that
/// run at the same time belong to few row blocks: their rows of hidden (`unit_bytes` each) stay in the L2 cache while
/// the classes stream past. As few spans as will do: for statistics each leaves a partial result of every row.
constexpr int choose_spans(int64_t row_units, int64_t tiles, int64_t workers, int64_t unit_bytes) {
  constexpr int64_t kMostSpans = 64, kTilesOfSpan = 4, kGoodEnough = 950;
  const int64_t most = std::clamp<int64_t>(tiles / kTilesOfSpan, 1, kMostSpans);
  const bool all_stay = row_units * unit_bytes <= kResidentBytes;
  const int64_t least = all_stay ? 1 : std::min(most, divide_up(workers * unit_bytes, kResidentBytes));
  int64_t best = least;
  for (int64_t spans = least; spans <= most; ++spans) {
    const int64_t now = occupancy(row_units * spans, workers);
    if (now > occupancy(row_units * best, workers)) best = spans;
    if (now >= kGoodEnough) break;
  }
  return static_cast<int>(best);
}

/// Row units (clusters of row blocks) whose rows of hidden stay in the L2 cache together.
constexpr int64_t resident_row_units(int64_t unit_bytes) { return std::max<int64_t>(kResidentBytes / unit_bytes, 1); }

/// In which order tiles, or spans of them, are handed out: a group of row units at a time, all of their tiles; within
/// it tile by tile, so that a tile of the classifier is shared by a group while it is in the cache.
struct TileOrder {
  int64_t row_units, tiles;
  int64_t group;  // row units

  struct At {
    int64_t row_unit, tile;
  };

  CUTLOSS_HD constexpr int64_t count() const { return row_units * tiles; }
  CUTLOSS_HD constexpr At at(int64_t i) const {
    const int64_t first = i / (group * tiles) * group, rest = i - first * tiles;
    const int64_t left = row_units - first, rows = left < group ? left : group;
    return {first + rest % rows, rest / rows};
  }
};

constexpr int64_t row_units(CutPath path, int64_t rows) {
  return divide_up(rows, int64_t{kCutRows} * row_cluster(path));
}

/// Of dz: `tiles` are those of a chunk.
constexpr TileOrder gradient_order(CutPath path, int64_t rows, int64_t tiles, int64_t line_bytes) {
  return {row_units(path, rows), tiles, resident_row_units(line_bytes * kCutRows * row_cluster(path))};
}

constexpr int logit_spans(CutPath path, int64_t rows, int64_t tiles, int64_t line_bytes, int workers) {
  const int cluster = row_cluster(path);
  return choose_spans(row_units(path, rows), tiles, std::max(workers / cluster, 1), line_bytes * kCutRows * cluster);
}

/// What the gradient keeps in memory beside its results.
struct CutPlan {
  bool stores_logits;  // the statistics leave every logit behind, else they are computed again
  int64_t chunk;       // classes whose dz exist at a time: whole tiles
};

/// Whether a copy of the classifier in another order leaves most of the workspace to what needs it more.
constexpr bool has_room_to_sort(int64_t classes, int64_t dim, int64_t element_size, int64_t workspace) {
  return classes * dim * element_size <= workspace / 2;
}

/// Bytes of one class of a chunk: its dz, and its share of the map of what the filter keeps.
constexpr int64_t bytes_per_class(int64_t rows, int64_t element_size) {
  return rows * element_size + round_up(rows, kCutRows) / kPieceRows / kPieceClasses + 1;
}

/// `workspace` is what is left for logits and dz. One tile of classes is the least that the gradient works with.
constexpr CutPlan plan_cut(int64_t rows, int64_t classes, int64_t element_size, int64_t columns, int64_t workspace) {
  constexpr int64_t kMostClasses = 16384;
  const int64_t whole = round_up(classes, columns);
  const int64_t per_class = bytes_per_class(rows, element_size);
  const int64_t logits = rows * whole * int64_t{sizeof(float)};
  const int64_t chunk_beside_logits = (workspace - logits) / per_class / columns * columns;
  const int64_t wanted = std::min(whole, kMostClasses);
  if (workspace >= logits && chunk_beside_logits >= std::min<int64_t>(wanted, 4096)) {
    return {true, std::min(chunk_beside_logits, wanted)};
  }
  return {false, std::clamp(workspace / per_class / columns * columns, columns, wanted)};
}

/// The map of what the filter keeps: a byte for each piece, those of one group of classes in the order of rows.
CUTLOSS_HD constexpr int64_t kept_row_stride(int64_t rows) {
  return (rows + kCutRows - 1) / kCutRows * (kCutRows / kPieceRows);
}
CUTLOSS_HD constexpr int64_t kept_at(int64_t row, int64_t column, int64_t stride) {
  return column / kPieceClasses * stride + row / kPieceRows;
}

}  // namespace cutloss::cuda
