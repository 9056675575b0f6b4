// Loops are born at edges that join no voxels and die at squares that join no cubes, so only these need to be reduced:
// squares as columns, edges as rows. The rows left out depend only on the order of the rows' field, the columns left
// out only on that of the columns' field, so the same holds where the two are different fields, as they are for image
// bars. What remains is square and nonsingular: Euler's formula, with the outside as a cube.
#include "cpu/topology/loops.h"

#include "cpu/topology/poll.h"
#include "cpu/topology/reduction.h"
#include "cpu/topology/tasks.h"

namespace cutloss::cpu {
namespace {

using Edges = math::Edges<3>;
using Squares = math::Walls<3>;

/// Row numbers of edges: their places among those that join nothing; kNone for those that join.
Status number_rows(const LoopInputs& input, const Cancel& cancel, Buffer<uint32_t>* rows) {
  CUTLOSS_TRY(rows->allocate(uint64_t{input.field->grid.places} * Edges::kTypes, kNone));
  for (uint32_t i = 0; i < input.edges->count; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    (*rows)[(*input.edges)[i]] = i;
  }
  return {};
}

/// The square that is column j; squares stand backwards.
uint32_t square_of(const LoopInputs& input, uint32_t j) { return (*input.squares)[input.squares->count - 1 - j]; }

constexpr uint32_t kAhead = 32;  // columns

/// Squares of one field as columns, edges of another, or of the same, as rows.
struct Boundary {
  const LoopInputs& columns;
  const Buffer<uint32_t>& rows;

  void edges_of(uint32_t j, uint32_t* edges) const {
    const uint32_t square = square_of(columns, j);
    math::edges_of_square(columns.field->grid, square / Squares::kTypes, int(square % Squares::kTypes), edges);
  }
  void read(uint32_t j, uint32_t* column) const {
    if (j + kAhead < columns.squares->count) {
      edges_of(j + kAhead, column);
      for (int i = 0; i < 4; ++i) __builtin_prefetch(&rows[column[i]]);
    }
    edges_of(j, column);
    for (int i = 0; i < 4; ++i) column[i] = rows[column[i]];
    last_row_first(column);
  }
};

Bar bar_of(const LoopInputs& input, uint32_t row, uint32_t column) {
  const uint32_t edge = (*input.edges)[row], square = square_of(input, column);
  const uint32_t* ranks = input.field->ranks.data();
  const math::Grid<3>& grid = input.field->grid;
  return {Edges::voxel(grid, ranks, edge / Edges::kTypes, int(edge % Edges::kTypes)),
          Squares::voxel(grid, ranks, square / Squares::kTypes, int(square % Squares::kTypes))};
}

bool lasts(const LoopInputs& input, Bar bar) {
  if (input.field->ranks[bar.birth] == input.field->ranks[bar.death]) return false;
  if (input.least == 0) return true;
  return double{input.field->values[bar.death]} - double{input.field->values[bar.birth]} >= input.least;
}

/// Pairs the squares of one field with the edges of another, or of the same.
Status pair(const LoopInputs& columns, const Buffer<uint32_t>& rows, const Cancel& cancel, Pairing* pairing) {
  const Boundary boundary{columns, rows};
  const auto read = [](const void* origin, uint32_t j, uint32_t* column) {
    static_cast<const Boundary*>(origin)->read(j, column);
  };
  return pair_rows_and_columns({columns.squares->count, &boundary, read}, cancel, pairing);
}

/// The lasting bars by row, and where `bar_of_row` is not null, which bar each row starts.
Status collect(const LoopInputs& input, const Buffer<uint32_t>& column_of, const Cancel& cancel, Bars* bars,
               Buffer<uint32_t>* bar_of_row) {
  CUTLOSS_TRY(bars->reserve(input.edges->count));
  if (bar_of_row) CUTLOSS_TRY(bar_of_row->allocate(input.edges->count, kNone));
  for (uint32_t row = 0; row < input.edges->count; ++row) {
    if (stops_at(row, cancel)) return cancelled();
    const Bar bar = bar_of(input, row, column_of[row]);
    if (!lasts(input, bar)) continue;
    const uint32_t number = bars->add(bar);
    if (bar_of_row) (*bar_of_row)[row] = number;
  }
  return {};
}

}  // namespace

Status loops(const LoopInputs* inputs, ThreadPool& pool, Cancel& cancel, Side* first, Side* second, List<Keys>* keys) {
  constexpr int kComparison = 2;
  const LoopInputs& comparison = inputs[kComparison];
  Buffer<uint32_t> rows[3];
  CUTLOSS_TRY(run_tasks(pool, 3, [&](int64_t which) { return number_rows(inputs[which], cancel, &rows[which]); }));

  // Five independent pairings: each field's own, and the comparison's squares with the edges of either side. What the
  // last of them need is all that is left by then.
  Buffer<uint32_t> comparison_rows, image_rows[2];
  CUTLOSS_TRY(run_tasks(pool, 5, [&](int64_t task) {
    Pairing pairing;
    if (task < 2) {
      if (!inputs[task].squares) return Status{};
      CUTLOSS_TRY(pair(inputs[task], rows[task], cancel, &pairing));
      Side* side = task == 0 ? first : second;
      CUTLOSS_TRY(collect(inputs[task], pairing.column_of, cancel, &side->bars, &side->bar_of));
      inputs[task].edges->clear();
      inputs[task].squares->clear();
      return Status{};
    }
    if (task == kComparison) {
      CUTLOSS_TRY(pair(comparison, rows[kComparison], cancel, &pairing));
      comparison_rows = std::move(pairing.row_of);
      rows[kComparison].free();
      return Status{};
    }
    CUTLOSS_TRY(pair(comparison, rows[task - 3], cancel, &pairing));
    image_rows[task - 3] = std::move(pairing.row_of);
    return Status{};
  }));

  const uint32_t size = comparison.squares->count;
  CUTLOSS_TRY(keys->reserve(size));
  for (uint32_t j = 0; j < size; ++j) {
    if (stops_at(j, cancel)) return cancelled();
    const Bar bar = bar_of(comparison, comparison_rows[j], j);
    if (comparison.field->ranks[bar.birth] == comparison.field->ranks[bar.death]) continue;
    keys->add({{image_rows[0][j], image_rows[1][j]}});
  }
  return {};
}

Status loops(const LoopInputs& input, bool findable, Cancel& cancel, Side* side) {
  Buffer<uint32_t> rows;
  Pairing pairing;
  CUTLOSS_TRY(number_rows(input, cancel, &rows));
  CUTLOSS_TRY(pair(input, rows, cancel, &pairing));
  return collect(input, pairing.column_of, cancel, &side->bars, findable ? &side->bar_of : nullptr);
}

}  // namespace cutloss::cpu
