// Loops are born at edges that join no voxels and die at squares that join no cubes, so only these need to be reduced:
// squares as columns, edges as rows. The rows left out depend only on the order of the rows' field, the columns left
// out only on that of the columns' field, so the same holds where the two are different fields, as they are for image
// bars. What remains is square and nonsingular: Euler's formula, with the outside as a cube.
//
// A mask as the target makes half of the comparison appear at once. No bar ends in its first level, so nobody asks who
// is paired with a square of it, and these squares may stand in any order: in the prediction's, which makes its image
// easy (rank_comparison()), or in the target's. Nor does any of the target's bars begin after its first level, so the
// edges beyond may stand as in the comparison: the target's image and the comparison's own bars are then the same.
#include "cpu/topology/loops.h"

#include <algorithm>

#include "cpu/topology/poll.h"
#include "cpu/topology/reduction.h"
#include "cpu/topology/tasks.h"

namespace cutloss::cpu {
namespace {

using Edges = math::Edges<3>;
using Squares = math::Walls<3>;

// Lists of cells are of all types, in no order that a processor could foresee: no branch depends on the type here.

uint32_t rank_of_edge(const Filtration<3>& field, uint32_t edge) {
  const uint32_t* ranks = &field.ranks[edge / 3];
  return std::max(ranks[0], ranks[field.grid.strides[edge % 3]]);
}

uint32_t rank_of_square(const Filtration<3>& field, uint32_t square) {
  const uint32_t* strides = field.grid.strides;
  const uint32_t normal = square % 3, a = strides[normal == 0], b = strides[2 - (normal == 2)];
  const uint32_t* ranks = &field.ranks[square / 3];
  return std::max(std::max(ranks[0], ranks[a]), std::max(ranks[b], ranks[a + b]));
}

/// The places of cells in a list, counted from 1, by their numbers; 0 for those that are not in it.
Status number(const CellList& cells, const math::Grid<3>& grid, const Cancel& cancel, Buffer<uint32_t>* numbers) {
  CUTLOSS_TRY(numbers->allocate(uint64_t{grid.places} * 3, 0));
  for (uint32_t i = 0; i < cells.count; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    (*numbers)[cells[i]] = i + 1;
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
  void read(uint32_t column, uint32_t* rows) const override {
    look_up(squares_, column, rows,
            [&](uint32_t square) { math::edges_of_square(grid_, square / 3, int(square % 3), rows); });
  }
  void read_mirrored(uint32_t column, uint32_t* rows) const override {
    look_up(edges_, column, rows, [&](uint32_t edge) { math::squares_on_edge(grid_, edge / 3, int(edge % 3), rows); });
  }

 private:
  template <class Around>
  void look_up(const CellList& columns, uint32_t column, uint32_t* rows, Around&& around) const {
    const auto cells_around = [&](uint32_t j) { around(columns[size - 1 - j]); };
    if (column + kAhead < size) {
      cells_around(column + kAhead);
      for (int i = 0; i < 4; ++i) __builtin_prefetch(&row_of_[rows[i]]);
    }
    cells_around(column);
    for (int i = 0; i < 4; ++i) rows[i] = row_of_[rows[i]];
    last_rows_first(rows);
  }

  const math::Grid<3>& grid_;
  const CellList &squares_, &edges_;
  const Cancel& cancel_;
  Buffer<uint32_t> row_of_;  // by the numbers of edges, in the mirror of squares
};

uint32_t rank_of_last_square(const LoopInputs& input) { return rank_of_square(*input.field, (*input.squares)[0]); }

// Where many squares appear at once their order says little, and they are reduced by each other for long: edges are
// better read as columns then.

/// For image bars: where the edges are of more values than the squares.
bool mirror_first(const LoopInputs& columns, const LoopInputs& rows) {
  if (rows.edges->count == 0) return false;
  const uint32_t last_edge = (*rows.edges)[rows.edges->count - 1];
  return rank_of_edge(*rows.field, last_edge) >= rank_of_last_square(columns);
}

/// For a field's own: where it has few values.
bool mirror_first(const LoopInputs& own) {
  constexpr uint32_t kFewValues = 16;
  return own.squares->count > 0 && rank_of_last_square(own) < kFewValues;
}

/// Puts the target's own edges and squares in place of those that the comparison has of the target's first level.
Status begin_like(const LoopInputs& target, LoopInputs* comparison, CellList* squares) {
  const Filtration<3>& field = *comparison->field;
  const uint32_t size = comparison->squares->count;
  CellList& edges = *comparison->edges;
  uint32_t shared = 0;
  for (; shared < size && rank_of_edge(field, edges[shared]) < field.shared; ++shared) {
    edges.items[shared] = (*target.edges)[shared];
  }
  uint32_t own = size;
  while (own > 0 && rank_of_square(field, (*comparison->squares)[own - 1]) < field.shared) --own;
  if (target.squares->count < size - own) return failure(Code::kInternal, "Expected all squares of the first level");
  CUTLOSS_TRY(squares->reserve(size));
  for (uint32_t i = 0; i < own; ++i) squares->add((*comparison->squares)[i]);
  for (const uint32_t* square = target.squares->end() - (size - own); square < target.squares->end(); ++square) {
    squares->add(*square);
  }
  comparison->squares = squares;
  return {};
}

/// A row and a column that are a bar, unless it ends where it begins.
struct EdgeAndSquare {
  EdgeAndSquare(const LoopInputs& input, uint32_t row, uint32_t column)
      : field(*input.field), edge((*input.edges)[row]), square(square_of(input, column)) {}

  bool lasts() const { return field.is_bar(rank_of_edge(field, edge), rank_of_square(field, square)); }
  Bar bar() const {
    const uint32_t* ranks = field.ranks.data();
    return {Edges::voxel(field.grid, ranks, edge / 3, int(edge % 3)),
            Squares::voxel(field.grid, ranks, square / 3, int(square % 3))};
  }

  const Filtration<3>& field;
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
  constexpr int kTarget = 1, kComparison = 2;
  LoopInputs comparison = inputs[kComparison];
  CellList squares;
  // Rows of the comparison are then the target's too, as far as its bars begin there.
  const bool begins_like_target = comparison.field->shared > 0;
  if (begins_like_target) CUTLOSS_TRY(begin_like(inputs[kTarget], &comparison, &squares));

  // Up to five independent pairings: each field's own, and the comparison's squares with the edges of either side.
  Buffer<uint32_t> comparison_rows, image_rows[2];
  const int64_t tasks = begins_like_target ? 4 : 5;
  CUTLOSS_TRY(run_tasks(pool, tasks, [&](int64_t i) {
    const int64_t task = tasks - 1 - i;  // images take longest
    if (task < kComparison) {
      const LoopInputs& input = inputs[task];
      if (input.known) return Status{};
      const Status status = loops(input, true, cancel, task == kTarget ? second : first);
      input.squares->clear();
      return status;
    }
    if (task == kComparison) {
      Boundary boundary(comparison, comparison, cancel);
      return pair_rows_and_columns(boundary, false, cancel, {nullptr, &comparison_rows});
    }
    const LoopInputs &columns = inputs[kComparison], &rows = inputs[task - 3];
    Boundary boundary(columns, rows, cancel);
    return pair_rows_and_columns(boundary, mirror_first(columns, rows), cancel, {nullptr, &image_rows[task - 3]});
  }));
  const Buffer<uint32_t>&first_rows = image_rows[0],
        &second_rows = begins_like_target ? comparison_rows : image_rows[1];

  const uint32_t size = comparison.squares->count;
  CUTLOSS_TRY(keys->reserve(size));
  for (uint32_t j = 0; j < size; ++j) {
    if (stops_at(j, cancel)) return cancelled();
    if (EdgeAndSquare(comparison, comparison_rows[j], j).lasts()) keys->add({{first_rows[j], second_rows[j]}});
  }
  return {};
}

Status loops(const LoopInputs& input, bool findable, Cancel& cancel, Side* side) {
  Buffer<uint32_t> column_of;
  {
    Boundary boundary(input, input, cancel);
    CUTLOSS_TRY(pair_rows_and_columns(boundary, mirror_first(input), cancel, {&column_of, nullptr}));
  }
  return collect(input, column_of, cancel, &side->bars, findable ? &side->bar_of : nullptr);
}

}  // namespace cutloss::cpu
