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

/// The places of cells in a list, by their numbers; kNone for those that are not in it.
Status number(const CellList& cells, const math::Grid<3>& grid, const Cancel& cancel, Buffer<uint32_t>* numbers) {
  CUTLOSS_TRY(numbers->allocate(uint64_t{grid.places} * 3, kNone));
  for (uint32_t i = 0; i < cells.count; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    (*numbers)[cells[i]] = i;
  }
  return {};
}

/// The square that is column j; squares stand backwards.
uint32_t square_of(const LoopInputs& input, uint32_t j) { return (*input.squares)[input.squares->count - 1 - j]; }

constexpr uint32_t kAhead = 32;  // columns

/// Squares of one field as columns, edges of another, or of the same, as rows. In the mirror it is the other way round:
/// the columns are edges, the last first, and a square's row is its place in the list, which stands backwards already.
class Boundary final : public SquareMatrix {
 public:
  Boundary(const LoopInputs& columns, const LoopInputs& rows, const Cancel& cancel)
      : SquareMatrix(columns.squares->count),
        grid_(columns.field->grid),
        squares_(*columns.squares),
        edges_(*rows.edges),
        cancel_(cancel) {}

  Status begin(bool mirrored) override { return number(mirrored ? squares_ : edges_, grid_, cancel_, &row_of_); }
  void read(uint32_t column, uint32_t* rows) const override { look_up(squares_, math::edges_of_square, column, rows); }
  void read_mirrored(uint32_t column, uint32_t* rows) const override {
    look_up(edges_, math::squares_on_edge, column, rows);
  }

 private:
  template <class Around>
  void look_up(const CellList& columns, Around&& around, uint32_t column, uint32_t* rows) const {
    const auto cells_around = [&](uint32_t j) {
      const uint32_t cell = columns[size - 1 - j];
      around(grid_, cell / 3, int(cell % 3), rows);
    };
    if (column + kAhead < size) {
      cells_around(column + kAhead);
      for (int i = 0; i < 4; ++i) __builtin_prefetch(&row_of_[rows[i]]);
    }
    cells_around(column);
    for (int i = 0; i < 4; ++i) rows[i] = row_of_[rows[i]];
    last_row_first(rows);
  }

  const math::Grid<3>& grid_;
  const CellList &squares_, &edges_;
  const Cancel& cancel_;
  Buffer<uint32_t> row_of_;  // by the numbers of edges, in the mirror of squares
};

/// For image bars, edges that are of more values than the squares are better read as columns: where many squares appear
/// at once their order says little, and they are reduced by each other for long.
bool mirror_first(const LoopInputs& columns, const LoopInputs& rows) {
  if (rows.edges->count == 0) return false;
  const uint32_t last_edge = (*rows.edges)[rows.edges->count - 1], last_square = (*columns.squares)[0];
  return Edges::rank(rows.field->grid, rows.field->ranks.data(), last_edge / 3, int(last_edge % 3)) >=
         Squares::rank(columns.field->grid, columns.field->ranks.data(), last_square / 3, int(last_square % 3));
}

/// A row and a column that are a bar, unless it ends where it begins.
struct EdgeAndSquare {
  EdgeAndSquare(const LoopInputs& input, uint32_t row, uint32_t column)
      : grid(input.field->grid),
        ranks(input.field->ranks.data()),
        edge((*input.edges)[row]),
        square(square_of(input, column)) {}

  bool lasts() const {
    return Edges::rank(grid, ranks, edge / 3, edge % 3) != Squares::rank(grid, ranks, square / 3, square % 3);
  }
  Bar bar() const {
    return {Edges::voxel(grid, ranks, edge / 3, int(edge % 3)),
            Squares::voxel(grid, ranks, square / 3, int(square % 3))};
  }

  const math::Grid<3>& grid;
  const uint32_t* ranks;
  uint32_t edge, square;
};

bool is_long(const LoopInputs& input, Bar bar) {
  return input.least == 0 ||
         double{input.field->values[bar.death]} - double{input.field->values[bar.birth]} >= input.least;
}

/// The lasting bars by row, and where `bar_of_row` is not null, which bar each row starts.
Status collect(const LoopInputs& input, const Buffer<uint32_t>& column_of, const Cancel& cancel, Bars* bars,
               Buffer<uint32_t>* bar_of_row) {
  CUTLOSS_TRY(bars->reserve(input.edges->count));
  if (bar_of_row) CUTLOSS_TRY(bar_of_row->allocate(input.edges->count, kNone));
  for (uint32_t row = 0; row < input.edges->count; ++row) {
    if (stops_at(row, cancel)) return cancelled();
    const EdgeAndSquare pair(input, row, column_of[row]);
    if (!pair.lasts()) continue;
    const Bar bar = pair.bar();
    if (!is_long(input, bar)) continue;
    const uint32_t number = bars->add(bar);
    if (bar_of_row) (*bar_of_row)[row] = number;
  }
  return {};
}

}  // namespace

Status loops(const LoopInputs* inputs, ThreadPool& pool, Cancel& cancel, Side* first, Side* second, List<Keys>* keys) {
  constexpr int kComparison = 2;
  const LoopInputs& comparison = inputs[kComparison];
  // Five independent pairings: each field's own, and the comparison's squares with the edges of either side.
  Buffer<uint32_t> comparison_rows, image_rows[2];
  CUTLOSS_TRY(run_tasks(pool, 5, [&](int64_t task) {
    if (task < kComparison) {
      const LoopInputs& input = inputs[task];
      return input.squares ? loops(input, true, cancel, task == 0 ? first : second) : Status{};
    }
    const LoopInputs& rows = task == kComparison ? comparison : inputs[task - 3];
    Boundary boundary(comparison, rows, cancel);
    const bool mirrored = task != kComparison && mirror_first(comparison, rows);
    return pair_rows_and_columns(boundary, mirrored, cancel,
                                 {nullptr, task == kComparison ? &comparison_rows : &image_rows[task - 3]});
  }));

  const uint32_t size = comparison.squares->count;
  CUTLOSS_TRY(keys->reserve(size));
  for (uint32_t j = 0; j < size; ++j) {
    if (stops_at(j, cancel)) return cancelled();
    if (EdgeAndSquare(comparison, comparison_rows[j], j).lasts()) keys->add({{image_rows[0][j], image_rows[1][j]}});
  }
  return {};
}

Status loops(const LoopInputs& input, bool findable, Cancel& cancel, Side* side) {
  Buffer<uint32_t> column_of;
  {
    Boundary boundary(input, input, cancel);
    CUTLOSS_TRY(pair_rows_and_columns(boundary, false, cancel, {&column_of, nullptr}));
  }
  CUTLOSS_TRY(collect(input, column_of, cancel, &side->bars, findable ? &side->bar_of : nullptr));
  input.squares->clear();
  return {};
}

}  // namespace cutloss::cpu
