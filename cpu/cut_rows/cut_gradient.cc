#include "cpu/cut_rows/cut_gradient.h"

#include <algorithm>
#include <numeric>

namespace cutloss::cpu {
namespace {

/// The groups of words that hold a set bit; returns how many runs they make.
int64_t runs_of(const uint64_t* bits, int64_t bit_words, const WordGroups& groups, Run* runs) {
  int64_t count = 0;
  for (int64_t i = 0; i < bit_words; ++i) {
    for (uint64_t rest = bits[i]; rest != 0; rest &= rest - 1) {
      const int64_t word = (i * 64 + __builtin_ctzll(rest)) / groups.terms() * groups.size;
      if (count > 0 && runs[count - 1].end >= word) {
        runs[count - 1].end = word + groups.size;
      } else {
        runs[count++] = {word, word + groups.size};
      }
    }
  }
  return count;
}

int64_t length_of(const Run* runs, int64_t count) {
  int64_t length = 0;
  for (int64_t i = 0; i < count; ++i) length += runs[i].end - runs[i].begin;
  return length;
}

/// Parts of a thread's scratch, in floats.
class Parts {
 public:
  explicit Parts(float* memory = nullptr) : arena_(reinterpret_cast<char*>(memory)) {}
  template <class T>
  T* take(int64_t count) {
    return arena_.take<T>(count);
  }
  int64_t floats() const { return arena_.bytes() / int64_t(sizeof(float)); }

 private:
  Arena arena_;
};

}  // namespace

/// What a block of classes works in.
struct CutGradient::BlockScratch {
  TargetHere* targets;  // of the block, by line
  int64_t target_count = 0;
  float* words;         // dz along rows, as the product with hidden reads it
  int64_t stride;       // of its lines, in words
  BFloat16* row_words;  // where that is not what lies in the chunk: pairs,
  float* copy;          // or what must be out of the way
  float* lines;         // two lines of dz, and what shares are scaled by
  float* group;         // words on their way into a group
  uint64_t* kept;       // [lines][kept_words], a bit per row; null where nothing is filtered
  int64_t kept_words;
  Run* runs;  // [tiles][most_runs]
  int64_t most_runs;
  float* sums;        // of the block, where there is one chunk of rows
  float* target_sum;  // [dim]
  int64_t run_counts[kBlock];
  int32_t order[kBlock], places[kBlock];

  BlockScratch(Parts& parts, const CutCall& c) {
    const int64_t rows = c.plan.most_rows();
    kept_words = divide_up(rows, 64);
    most_runs = divide_up(rows, 2);
    targets = parts.take<TargetHere>(rows);
    lines = parts.take<float>(3 * rows);
    group = parts.take<float>(c.k.groups.size > 1 ? c.k.groups.size * chunk_stride(c.k.groups, rows) : 0);
    row_words = parts.take<BFloat16>(c.k.groups.pairs ? kBlock * chunk_stride(c.k.groups, rows) : 0);
    copy = parts.take<float>(kBlock * (c.plan.lent_rows > 0 ? chunk_stride(c.k.groups, c.plan.lent_rows) : 0));
    kept = parts.take<uint64_t>(c.shape.filters ? kBlock * kept_words : 0);
    runs = parts.take<Run>(c.shape.filters ? divide_up(kBlock, c.k.tile_rows) * most_runs : 0);
    target_sum = parts.take<float>(c.r.dim);
    sums = parts.take<float>(c.shape.rounds && c.shape.classifier && !c.b.classifier_sums ? kBlock * c.r.dim : 0);
  }
};

void CutGradient::compute(const GradientChunk& chunk) {
  const CutShape& s = c_.shape;
  if (chunk.of.classifier) pack_strips(chunk);

  for_each_block(chunk, [&](Range block, BlockScratch& scratch) {
    differentiate(chunk, block, scratch);
    if (chunk.of.hidden && c_.r.filter_hidden && scratch.kept) mark_rows(chunk, block, scratch.kept);
    if (chunk.of.classifier && !chunk.lent) grow_classifier(chunk, block, scratch);
  });
  if (chunk.of.hidden) {
    const HiddenTasks tasks = hidden_tasks(chunk.rows.count, s.dim, s.panel, s.tile_rows);
    c_.run(tasks.count(), classes_together(c_.k.groups) * (tasks.dims + 4), [&](int64_t i, float* scratch) {
      rows_of(chunk, part_of({0, s.dim}, tasks.dims, i / tasks.row_groups),
              part_of(chunk.rows, tasks.rows, i % tasks.row_groups), scratch);
    });
  }
  if (!chunk.lent) return;
  for_each_block(chunk, [&](Range block, BlockScratch& scratch) {
    scratch.words = scratch.copy;
    scratch.stride = chunk_stride(c_.k.groups, c_.plan.lent_rows);
    for (int64_t line = 0; line < block.count; ++line) {
      std::copy_n(words_at(chunk, block.first + line), chunk.rows.count, scratch.copy + line * scratch.stride);
    }
    grow_classifier(chunk, block, scratch);
  });
}

template <class Do>
void CutGradient::for_each_block(const GradientChunk& chunk, Do&& each) {
  Parts counting;
  const BlockScratch sizes(counting, c_);
  c_.run(divide_up(chunk.classes.count, kBlock), counting.floats(), [&](int64_t i, float* memory) {
    if (c_.cancel.requested()) return;
    const Range block = part_of(chunk.classes, kBlock, i);
    Parts parts(memory);
    BlockScratch scratch(parts, c_);
    scratch.words = c_.k.groups.pairs ? reinterpret_cast<float*>(scratch.row_words) : words_at(chunk, block.first);
    scratch.stride = c_.k.groups.pairs ? stride(chunk) / 2 : stride(chunk);
    scratch.target_count = c_.targets_in(chunk.rows, block, scratch.targets);
    std::sort(scratch.targets, scratch.targets + scratch.target_count, [](const TargetHere& x, const TargetHere& y) {
      return x.line != y.line ? x.line < y.line : x.row < y.row;
    });
    each(block, scratch);
  });
}

void CutGradient::pack_strips(const GradientChunk& chunk) {
  const CutShape& s = c_.shape;
  const int64_t words = s.groups.words_of(c_.plan.most_rows());
  // A row without a gradient is left out, whatever it holds.
  const float* matters = c_.b.matters + chunk.rows.first;
  c_.run(divide_up(s.dim, s.panel), 0, [&](int64_t i, float*) {
    const Range dims = part_of({0, s.dim}, s.panel, i);
    c_.k.strip({c_.hidden_row(chunk.rows.first) + dims.first * c_.element(), nullptr, chunk.rows.count, s.dim,
                dims.count, matters},
               c_.b.strips + i * words * s.panel);
  });
}

void CutGradient::differentiate(const GradientChunk& chunk, Range block, BlockScratch& scratch) {
  const CutBuffers& b = c_.b;
  const auto at_rows = [&](const float* array) { return array ? array + chunk.rows.first : nullptr; };
  double* sums = chunk.of.bias ? b.bias_sums + block.first : nullptr;
  c_.k.differentiate({words_at(chunk, block.first),
                      chunk.shares ? c_.anchors_at(block.first, chunk.rows.first) : nullptr,
                      scratch.row_words,
                      stride(chunk),
                      block.count,
                      round_up(chunk.rows.count, c_.k.panel),
                      block.first,
                      c_.transform,
                      c_.class_weights(),
                      {at_rows(b.reference), at_rows(b.factor), at_rows(b.labels), at_rows(b.threshold)},
                      scratch.targets,
                      scratch.target_count,
                      sums,
                      scratch.kept,
                      scratch.kept_words,
                      scratch.lines,
                      scratch.group});
  for (int64_t t = 0; sums && t < scratch.target_count; ++t) {
    sums[scratch.targets[t].line] += b.target_factor[chunk.rows.first + scratch.targets[t].row];
  }
}

void CutGradient::mark_rows(const GradientChunk& chunk, Range block, const uint64_t* kept) {
  const int64_t n = (block.first - chunk.classes.first) / kBlock;
  const int64_t tiles = divide_up(chunk.rows.count, c_.k.tile_rows), words = divide_up(c_.plan.chunk_rows, 64);
  std::fill_n(kept_classes(n, 0), tiles * CutBuffers::kKeptWords, 0);
  for (int64_t line = 0; line < block.count; ++line) {
    for (int64_t i = 0; i < divide_up(chunk.rows.count, 64); ++i) {
      for (uint64_t rest = kept[line * words + i]; rest != 0; rest &= rest - 1) {
        const int64_t row = i * 64 + __builtin_ctzll(rest);
        kept_classes(n, row / c_.k.tile_rows)[line / 64] |= uint64_t{1} << line % 64;
      }
    }
  }
}

void CutGradient::grow_classifier(const GradientChunk& chunk, Range block, BlockScratch& scratch) {
  const int64_t dim = c_.r.dim;
  const int64_t bytes = dim * int64_t(c_.element());
  const Lines out = c_.lines_of(c_.r.classifier_gradient, block);
  const Sums sums = sums_of(chunk, block, scratch);
  const KeptTiles tiles = c_.r.filter_classifier && scratch.kept ? keep_tiles(chunk, block, scratch) : KeptTiles{};
  if (chunk.first_rows() && tiles.order) {
    for (int64_t line = 0; line < block.count; ++line) std::fill_n(sums.at(line), dim, 0.f);
  }

  // a word is a row, or two: each line of dz has its own
  Product p = {};
  p.a = scratch.words;
  p.row = scratch.stride;
  p.pair = 2 * p.row;
  p.step = c_.k.groups.size;
  p.rows = block.count;
  p.places = sums.order;
  p.stride = dim;
  p.add = !chunk.first_rows() || tiles.order;
  const Run all = {0, c_.k.groups.words_of(chunk.rows.count)};
  p.runs = &all;
  p.run_count = 1;
  for (int64_t at = 0; at < dim; at += c_.k.panel) {
    p.panel = c_.b.strips + at * c_.k.groups.words_of(c_.plan.most_rows());
    p.columns = std::min(c_.k.panel, dim - at);
    p.to = sums.first + at;
    if (!tiles.order) {
      c_.k.multiply(p);
      continue;
    }
    for (int64_t i = 0; i < tiles.count; ++i) {
      if (scratch.run_counts[i] == 0) continue;
      p.lines = tiles.order + i * c_.k.tile_rows;
      p.places = scratch.places + i * c_.k.tile_rows;
      p.rows = std::min(c_.k.tile_rows, block.count - i * c_.k.tile_rows);
      p.runs = scratch.runs + i * scratch.most_runs;
      p.run_count = scratch.run_counts[i];
      c_.k.multiply(p);
    }
  }
  add_targets(chunk, scratch, sums);
  if (!c_.shape.rounds || chunk.rows.end() != c_.r.rows) return;
  for (int64_t line = 0; line < block.count; ++line) {
    c_.k.narrow(sums.at(line), dim, out.from + (out.order ? out.order[line] : line) * bytes);
  }
}

CutGradient::Sums CutGradient::sums_of(const GradientChunk& chunk, Range block, const BlockScratch& scratch) const {
  const int64_t dim = c_.r.dim;
  if (c_.b.classifier_sums) return {c_.b.classifier_sums + (block.first - chunk.classes.first) * dim, nullptr, dim};
  if (scratch.sums) return {scratch.sums, nullptr, dim};
  const Lines out = c_.lines_of(c_.r.classifier_gradient, block);
  return {reinterpret_cast<float*>(out.from), out.order, dim};
}

/// The rows of one target are added up before they join the sum of all chunks, which may be large beside each.
void CutGradient::add_targets(const GradientChunk& chunk, const BlockScratch& scratch, const Sums& sums) {
  const int64_t dim = c_.r.dim, count = scratch.target_count;
  for (int64_t t = 0; t < count;) {
    const int64_t line = scratch.targets[t].line;
    std::fill_n(scratch.target_sum, dim, 0.f);
    for (; t < count && scratch.targets[t].line == line; ++t) {
      const int64_t row = chunk.rows.first + scratch.targets[t].row;
      const float factor = c_.b.target_factor[row];
      if (factor != 0) c_.k.add_scaled(scratch.target_sum, c_.hidden_row(row), dim, factor);
    }
    float* sum = sums.at(line);
    for (int64_t i = 0; i < dim; ++i) sum[i] += scratch.target_sum[i];
  }
}

CutGradient::KeptTiles CutGradient::keep_tiles(const GradientChunk& chunk, Range block, BlockScratch& s) {
  const int64_t words = s.kept_words, tile = c_.k.tile_rows;
  std::iota(s.order, s.order + block.count, 0);
  if (c_.r.sort_vocabulary) {
    int32_t set[kBlock] = {};
    for (int64_t line = 0; line < block.count; ++line) {
      for (int64_t i = 0; i < words; ++i) set[line] += __builtin_popcountll(s.kept[line * words + i]);
    }
    std::sort(s.order, s.order + block.count,
              [&](int32_t a, int32_t b) { return set[a] != set[b] ? set[a] > set[b] : a < b; });
  }
  const int32_t* places = sums_of(chunk, block, s).order;
  for (int64_t i = 0; i < block.count; ++i) s.places[i] = places ? places[s.order[i]] : s.order[i];
  const int64_t count = divide_up(block.count, tile);
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t* any = s.kept + s.order[i * tile] * words;
    for (int64_t line = i * tile + 1; line < std::min((i + 1) * tile, block.count); ++line) {
      for (int64_t w = 0; w < words; ++w) any[w] |= s.kept[s.order[line] * words + w];
    }
    Run* runs = s.runs + i * s.most_runs;
    s.run_counts[i] = runs_of(any, words, c_.k.groups, runs);
    kept += length_of(runs, s.run_counts[i]);
  }
  c_.kept_tiles += kept;
  c_.all_tiles += count * c_.k.groups.words_of(chunk.rows.count);
  return {s.order, count};
}

void CutGradient::rows_of(const GradientChunk& chunk, Range dims, Range rows, float* memory) {
  const int64_t dim = c_.r.dim, stride = this->stride(chunk), element = int64_t(c_.element());
  Parts parts(memory);
  // words of a block lie where its logits were, or its shares, which were half as large
  const int64_t apart = chunk.shares ? c_.k.groups.words_of(kBlock) : kBlock;
  const int64_t together = classes_together(c_.k.groups), words_together = together / kBlock * apart;
  auto* strips = parts.take<float>(together * round_up(dims.count, c_.k.panel));
  auto* runs = parts.take<Run>(divide_up(together, 2));
  char* out = c_.r.hidden_gradient.as<char>() + rows.first * dim * element;
  float* sums =
      c_.shape.rounds ? c_.b.hidden_sums + (rows.first - first_hidden_sum(chunk)) * dim : reinterpret_cast<float*>(out);
  sums += dims.first;
  if (chunk.first_classes) {
    for (int64_t i = 0; i < rows.count; ++i) {
      std::fill_n(sums + i * dim, dims.count, 0.f);
      const float factor = c_.b.target_factor[rows.first + i];
      if (factor == 0) continue;
      const char* target = c_.classifier_row(c_.b.ids[rows.first + i]) + dims.first * element;
      c_.k.add_scaled(sums + i * dim, target, dims.count, factor);
    }
  }

  // a word is a class, or two: a group of them is together for all rows
  const int64_t group = c_.k.groups.size;
  Product p = {};
  p.row = group;
  p.pair = 2 * group;
  p.step = group * stride;
  p.stride = dim;
  p.add = true;
  const bool filtered = c_.r.filter_hidden && c_.b.kept;
  const int64_t tile = filtered ? c_.k.tile_rows : rows.count;
  const int64_t in_chunk = rows.first - chunk.rows.first;
  int64_t kept = 0, all = 0;
  const auto runs_at = [&](Range blocks, int64_t at) {
    int64_t count = 0;
    for (int64_t n = 0; n * kBlock < blocks.count; ++n) {
      const Range block = part_of(blocks, kBlock, n);
      const int64_t words = c_.k.groups.words_of(block.count);
      Run* of_block = runs + count;
      int64_t more = 1;
      of_block[0] = {0, words};
      if (filtered) {
        const int64_t in_chunk_block = (block.first - chunk.classes.first) / kBlock;
        more = runs_of(kept_classes(in_chunk_block, (in_chunk + at) / tile), CutBuffers::kKeptWords, c_.k.groups,
                       of_block);
        kept += length_of(of_block, more);
        all += words;
      }
      for (int64_t i = 0; i < more; ++i) of_block[i].begin += n * apart, of_block[i].end += n * apart;
      count += more;
    }
    return count;
  };
  for (int64_t n = 0; n * together < chunk.classes.count && !c_.cancel.requested(); ++n) {
    const Range blocks = part_of(chunk.classes, together, n), next = part_of(chunk.classes, together, n + 1);
    const int64_t words = c_.k.groups.words_of(blocks.count);
    const float* dz = words_at(chunk, blocks.first) + in_chunk * group;
    Ahead ahead(divide_up(rows.count, c_.k.tile_rows) * divide_up(dims.count, c_.k.panel) * words,
                {words_at(chunk, next.first) + in_chunk * group, nullptr, group * stride * 4, group * rows.count * 4,
                 c_.k.groups.words_of(next.count) / group},
                c_.rectangle_of(c_.r.classifier, next, dims));
    bool packed = false;
    for (int64_t at = 0; at < rows.count; at += tile) {
      p.runs = runs;
      p.run_count = runs_at(blocks, at);
      if (p.run_count == 0) continue;
      p.a = dz + at * group;
      p.rows = std::min(tile, rows.count - at);
      for (int64_t j = 0; j * c_.k.panel < dims.count; ++j) {
        const Range strip = part_of(dims, c_.k.panel, j);
        float* panel = strips + j * c_.k.panel * words_together;
        for (int64_t i = 0; i * kBlock < blocks.count && !packed; ++i) {
          const Range block = part_of(blocks, kBlock, i);
          const Lines classes = c_.lines_of(c_.r.classifier, block);
          c_.k.strip({classes.from + strip.first * element, classes.order, block.count, dim, strip.count, nullptr},
                     panel + i * apart * c_.k.panel);
        }
        p.panel = panel;
        p.columns = strip.count;
        p.to = sums + at * dim + strip.first - dims.first;
        p.ahead = filtered ? nullptr : &ahead;
        c_.k.multiply(p);
      }
      packed = true;
    }
  }
  if (dims.first == 0) {
    c_.kept_tiles += kept;
    c_.all_tiles += all;
  }
  if (!c_.shape.rounds || !chunk.last_classes) return;
  for (int64_t i = 0; i < rows.count; ++i) {
    c_.k.narrow(sums + i * dim, dims.count, out + (i * dim + dims.first) * element);
  }
}

}  // namespace cutloss::cpu
