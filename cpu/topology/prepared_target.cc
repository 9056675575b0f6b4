#include "cpu/topology/prepared_target.h"

#include "cpu/topology/merge_forest.h"

namespace cutloss::cpu {
namespace {

constexpr int kHeader = 6;

/// What must be the same where words are written and where they are read.
void head(const FieldBatch& batch, uint32_t (&header)[kHeader]) {
  const int64_t options = batch.sublevel | batch.closed << 1 | batch.binary << 2 | batch.dimensions << 3;
  const int64_t values[kHeader] = {batch.axes, batch.depth, batch.height, batch.width, options, 0x746f706f};
  for (int i = 0; i < kHeader; ++i) header[i] = uint32_t(values[i]);
}

/// Edges that join no voxels: Euler's formula for a connected graph.
template <int kAxes>
uint64_t edges_outside_tree(const math::Grid<kAxes>& grid) {
  uint64_t edges = 0;
  for (int axis = 0; axis < kAxes; ++axis)
    edges += uint64_t{grid.voxels} / grid.extents[axis] * (grid.extents[axis] - 1);
  return edges - (grid.voxels - 1);
}

Status damaged() { return failure(Code::kInternal, "Expected a prepared target as it was prepared"); }

}  // namespace

template <int kAxes>
uint64_t write_prepared(const FieldBatch& batch, const Filtration<kAxes>& field, const FieldSides<kAxes>& sides,
                        uint32_t* words) {
  uint32_t* next = words;
  uint32_t header[kHeader];
  head(batch, header);
  for (uint32_t word : header) *next++ = word;

  const math::Grid<kAxes>& grid = field.grid;
  *next++ = grid.voxels;
  for_each_row(grid, [&](uint32_t place, uint32_t, uint32_t) {
    const uint32_t width = grid.extents[kAxes - 1];
    std::memcpy(next, &field.ranks[place], width * sizeof *next);
    next += width;
  });
  for (const Side& side : sides.sides) {
    *next++ = side.bars.count;
    for (uint32_t i = 0; i < side.bars.count; ++i) {
      next[3 * i] = side.bars[i].birth;
      next[3 * i + 1] = side.bars[i].death;
    }
    for (uint64_t key = 0; side.bars.count > 0 && key < side.bar_of.capacity(); ++key) {
      if (side.bar_of[key] != kNone) next[3 * side.bar_of[key] + 2] = uint32_t(key);
    }
    next += 3 * side.bars.count;
  }
  *next++ = sides.joins.count;
  for (const TopCellJoin& join : sides.joins) *next++ = join.dying, *next++ = join.surviving;
  *next++ = sides.edges.count;
  for (uint32_t edge : sides.edges) *next++ = edge;

  using Squares = math::Walls<kAxes>;
  uint32_t* squares = next++;
  for (uint32_t square : sides.squares) {
    const uint32_t base = square / Squares::kTypes;
    const int type = int(square % Squares::kTypes);
    if (Squares::rank(grid, field.ranks.data(), base, type) == 0) *next++ = square;
  }
  *squares = uint32_t(next - squares - 1);
  return uint64_t(next - words);
}

template <int kAxes>
Status PreparedTarget<kAxes>::open(const FieldBatch& batch, const View& prepared, int64_t item) {
  left_ = uint64_t(prepared.size / batch.items);
  next_ = prepared.as<const uint32_t>() + item * int64_t(left_);
  grid_ = grid_of<kAxes>(batch);
  uint32_t header[kHeader];
  head(batch, header);
  if (left_ < kHeader || std::memcmp(next_, header, sizeof header) != 0) {
    return failure(Code::kOption, "Expected a target that was prepared for fields and options like these");
  }
  next_ += kHeader;
  left_ -= kHeader;
  CUTLOSS_TRY(read(&ranks_));
  for (Section<KeyedBar>& bars : bars_) CUTLOSS_TRY(read(&bars));
  CUTLOSS_TRY(read(&joins_));
  CUTLOSS_TRY(read(&edges_));
  CUTLOSS_TRY(read(&squares_));
  return ranks_.count == grid_.voxels ? Status{} : damaged();
}

template <int kAxes>
template <class T>
Status PreparedTarget<kAxes>::read(Section<T>* section) {
  constexpr uint64_t kWords = sizeof(T) / sizeof *next_;
  if (left_ < 1 || (left_ - 1) / kWords < *next_) return damaged();
  section->count = *next_++;
  section->elements = reinterpret_cast<const T*>(next_);
  next_ += kWords * section->count;
  left_ -= 1 + kWords * section->count;
  return {};
}

template <int kAxes>
Status PreparedTarget<kAxes>::ranks(Buffer<uint32_t>* ranks) const {
  CUTLOSS_TRY(ranks->allocate(grid_.places, math::kNever));
  const uint32_t* next = ranks_.elements;
  for_each_row(grid_, [&](uint32_t place, uint32_t, uint32_t) {
    const uint32_t width = grid_.extents[kAxes - 1];
    std::memcpy(&(*ranks)[place], next, width * sizeof *next);
    next += width;
  });
  return {};
}

template <int kAxes>
Status PreparedTarget<kAxes>::read_bars(const Section<KeyedBar>& section, uint64_t keys, Side* side) const {
  CUTLOSS_TRY(side->bars.reserve(section.count));
  for (uint32_t i = 0; i < section.count; ++i) {
    const KeyedBar bar = section.elements[i];
    if (bar.birth >= grid_.places || bar.death >= grid_.places || bar.key >= keys) return damaged();
    side->bars.add({bar.birth, bar.death});
  }
  return {};
}

template <int kAxes>
Status PreparedTarget<kAxes>::side(int dimension, Side* side) const {
  const Section<KeyedBar>& section = bars_[dimension];
  const uint64_t keys = dimension == 0 ? grid_.places : edges_.count;
  CUTLOSS_TRY(read_bars(section, keys, side));
  CUTLOSS_TRY(side->bar_of.allocate(keys, kNone));
  for (uint32_t i = 0; i < section.count; ++i) side->bar_of[section.elements[i].key] = i;
  return {};
}

template <int kAxes>
Status PreparedTarget<kAxes>::side_of_top_cells(const uint32_t* comparison, const Cancel& cancel, Side* side) const {
  const Section<KeyedBar>& section = bars_[kAxes - 1];
  CUTLOSS_TRY(read_bars(section, joins_.count, side));
  CUTLOSS_TRY(side->bar_of.allocate(grid_.places, kNone));
  ElderUnder<Direction::kDescending> under;
  CUTLOSS_TRY(under.begin(grid_.places, comparison, cancel));
  uint32_t bar = 0;
  for (uint32_t i = 0; i < joins_.count; ++i) {
    if (stops_at(i, cancel)) return cancelled();
    const TopCellJoin join = joins_.elements[i];
    if (join.dying >= grid_.places || join.surviving >= grid_.places) return damaged();
    const uint32_t image = under.follow(join.dying, join.surviving);
    if (bar < section.count && section.elements[bar].key == i) side->bar_of[image] = bar++;
  }
  return {};
}

template <int kAxes>
Status PreparedTarget<kAxes>::edges(CellList* edges) const {
  return edges_.count == edges_outside_tree(grid_) ? read_cells(edges_, edges) : damaged();
}

template <int kAxes>
Status PreparedTarget<kAxes>::squares(CellList* squares) const {
  return read_cells(squares_, squares);
}

/// Of edges, or of squares in 3-D: kAxes types.
template <int kAxes>
Status PreparedTarget<kAxes>::read_cells(const Section<uint32_t>& section, CellList* cells) const {
  CUTLOSS_TRY(cells->reserve(section.count));
  for (uint32_t i = 0; i < section.count; ++i) {
    const uint32_t cell = section.elements[i], base = cell / kAxes;
    if (base < grid_.first || base >= grid_.places - grid_.first) return damaged();  // what is around it is looked at
    cells->add(cell);
  }
  return {};
}

template uint64_t write_prepared<2>(const FieldBatch&, const Filtration<2>&, const FieldSides<2>&, uint32_t*);
template uint64_t write_prepared<3>(const FieldBatch&, const Filtration<3>&, const FieldSides<3>&, uint32_t*);
template class PreparedTarget<2>;
template class PreparedTarget<3>;

}  // namespace cutloss::cpu
