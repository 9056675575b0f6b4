// The reduction of loops in 3-D, on matrices that no grid would give, beside sets of rows reduced as the definition
// says.
#include "cpu/topology/reduction.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "check.h"
#include "cpu/topology/bit_column.h"

using namespace cutloss;
using namespace cutloss::cpu;

namespace {

std::mt19937 generator(7);
uint32_t below(uint32_t end) { return generator() % end; }

/// A set of rows against std::set.
void check_bit_column() {
  for (uint32_t rows : {1u, 64u, 65u, 5000u, 300000u}) {
    BitColumn column;
    CHECK(column.begin(rows).ok());
    std::set<uint32_t> plain;
    for (int step = 0; step < 3000; ++step) {
      const uint32_t row = below(3) ? below(rows) : below(rows < 200 ? rows : 200);
      column.toggle(row);
      if (!plain.erase(row)) plain.insert(row);
      const uint32_t from = below(rows);
      auto after = plain.upper_bound(from);
      CHECK(column.last(from) == (after == plain.begin() ? kNone : *--after));
    }
  }
}

class SetsOfRows final : public SquareMatrix {
 public:
  explicit SetsOfRows(const std::vector<std::set<uint32_t>>& columns)
      : SquareMatrix(uint32_t(columns.size())), columns_(columns), rows_(columns.size()) {
    for (uint32_t j = 0; j < size; ++j) {
      for (uint32_t row : columns_[j]) rows_[row].insert(j);
    }
  }
  Status begin(bool) override { return {}; }
  void read(uint32_t column, uint32_t* rows) const override {
    write(columns_[column], rows, [](uint32_t row) { return row; });
  }
  void read_mirrored(uint32_t column, uint32_t* rows) const override {
    write(rows_[size - 1 - column], rows, [&](uint32_t j) { return size - 1 - j; });
  }

 private:
  static void write(const std::set<uint32_t>& from, uint32_t* rows, auto&& row_of) {
    const auto end = std::transform(from.begin(), from.end(), rows, [&](uint32_t i) { return row_of(i) + 1; });
    std::fill(end, rows + 4, 0);
    last_rows_first(rows);
  }

  const std::vector<std::set<uint32_t>> columns_;
  std::vector<std::set<uint32_t>> rows_;
};

using Columns = std::vector<std::set<uint32_t>>;

/// The column of each row by reducing sets, as the definition says; empty if the matrix is singular.
std::vector<uint32_t> owners_of(Columns columns) {
  std::vector<uint32_t> owner(columns.size(), kNone);
  for (uint32_t j = 0; j < columns.size(); ++j) {
    while (!columns[j].empty() && owner[*columns[j].rbegin()] != kNone) {
      for (uint32_t row : columns[owner[*columns[j].rbegin()]]) {
        if (!columns[j].erase(row)) columns[j].insert(row);
      }
    }
    if (columns[j].empty()) return {};
    owner[*columns[j].rbegin()] = j;
  }
  return owner;
}

void check_reduction_of(const Columns& columns) {
  const std::vector<uint32_t> owner = owners_of(columns);
  SetsOfRows matrix(columns);
  Cancel never;
  for (int mirrored = 0; mirrored < 2; ++mirrored) {
    Buffer<uint32_t> column_of, row_of;
    const Status status = pair_rows_and_columns(matrix, mirrored != 0, never, {&column_of, &row_of});
    CHECK(status.ok() == !owner.empty());
    for (uint32_t row = 0; status.ok() && row < owner.size(); ++row) {
      CHECK(column_of[row] == owner[row] && row_of[owner[row]] == row);
    }
  }
}

std::vector<uint32_t> shuffled(uint32_t size) {
  std::vector<uint32_t> all(size);
  for (uint32_t i = 0; i < size; ++i) all[i] = i;
  for (uint32_t i = size; i-- > 1;) std::swap(all[i], all[below(i + 1)]);
  return all;
}

/// Triangular up to the order of rows, with no row in more than four columns, or the mirror would not fit.
Columns triangle(uint32_t size) {
  const std::vector<uint32_t> rows = shuffled(size);
  Columns columns(size);
  std::vector<int> used(size, 1);
  for (uint32_t j = 0; j < size; ++j) columns[j].insert(rows[j]);
  for (uint32_t j = 0; j < size; ++j) {
    for (int extra = 0; extra < 3; ++extra) {
      const uint32_t other = rows[below(j + 1)];
      if (used[other] < 4 && columns[j].insert(other).second) ++used[other];
    }
  }
  return columns;
}

/// Three rows to a column anywhere: two of three of these are singular, and columns grow long while they are reduced.
Columns scatter(uint32_t size) {
  Columns columns(size);
  for (int i = 0; i < 3; ++i) {
    const std::vector<uint32_t> rows = shuffled(size);
    for (uint32_t j = 0; j < size; ++j) columns[j].insert(rows[j]);
  }
  return columns;
}

void check_reduction() {
  for (uint32_t size : {1u, 2u, 30u, 100u, 300u}) check_reduction_of(triangle(size));
  int nonsingular = 0;
  for (int i = 0; i < 12; ++i) {
    const Columns columns = scatter(i % 2 ? 150 : 400);
    check_reduction_of(columns);
    nonsingular += !owners_of(columns).empty();
  }
  CHECK(nonsingular > 0 && nonsingular < 12);
}

}  // namespace

int main() {
  check_bit_column();
  check_reduction();
  return test::finish("reduction");
}
