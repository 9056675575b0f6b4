#include "cpu/cut_rows/cut_logits.h"

#include <cfloat>
#include <cmath>

namespace cutloss::cpu {

void CutLogits::compute(Range rows, Range classes, const LogitsWanted& wanted) {
  const CutKernels& k = c_.k;
  c_.run(divide_up(rows.count, k.panel), 0, [&](int64_t i, float*) {
    const Range panel = part_of(rows, k.panel, i);
    k.turn(c_.hidden_row(panel.first), panel.count, c_.r.dim, c_.b.panels + i * k.panel * c_.shape.words);
  });

  const int64_t span = wanted.measure ? span_classes(c_.r.classes) : kBlock;
  const int64_t scratch = 2 * kBlock * k.panel + (in_place() ? 0 : kBlock * c_.shape.words);
  c_.run(divide_up(classes.count, span), scratch, [&](int64_t i, float* memory) {
    const Range mine = part_of(classes, span, i);
    const RowPartials to = wanted.measure ? partials(i) : RowPartials{};
    if (wanted.measure) {
      const int64_t padded = round_up(rows.count, k.panel);
      std::fill_n(to.max, padded, RowPartials::kNoMax);
      std::fill_n(to.sum, padded, 0.0);
      if (to.gap) std::fill_n(to.gap, padded, 0.0);
      if (to.labelled) std::fill_n(to.labelled, padded, 0.0);
      if (to.best) std::fill_n(to.best, padded, -INFINITY);
      if (to.argmax) std::fill_n(to.argmax, padded, int32_t(c_.class_at(mine.first)));
    }
    for (int64_t n = 0; n * kBlock < mine.count && !c_.cancel.requested(); ++n) {
      block(rows, classes, part_of(mine, kBlock, n), wanted, to, memory);
    }
  });
}

RowPartials CutLogits::partials(int64_t span) const {
  const int64_t at = span * c_.plan.pass_rows;
  const CutBuffers& b = c_.b;
  const auto part = [&](auto* array) { return array ? array + at : nullptr; };
  return {b.max + at, b.sum + at, part(b.gap), part(b.labelled), part(b.best), part(b.argmax), nullptr};
}

void CutLogits::block(Range rows, Range classes, Range block, const LogitsWanted& wanted, const RowPartials& partials,
                      float* scratch) {
  const CutKernels& k = c_.k;
  const int64_t words = c_.shape.words;
  float *tile = scratch, *transformed = tile + kBlock * k.panel, *widened = transformed + kBlock * k.panel;
  const Lines lines = c_.lines_of(c_.r.classifier, block);
  const int64_t n = block.first / kBlock;
  const int64_t first_panel = rows.first / k.panel;
  const auto live = [&](int64_t i) { return !wanted.only_live || c_.live(first_panel + i)[n]; };
  for (int64_t i = 0; i < block.count && !in_place(); ++i) {
    k.widen(c_.classifier_row(c_.class_at(block.first + i)), 1, c_.r.dim, widened + i * words);
  }

  const int64_t place = block.first - classes.first;
  const bool keeps = place < wanted.kept;
  const int64_t stride = keeps ? wanted.stride : k.panel;
  const int64_t panels = divide_up(rows.count, k.panel);
  const Range next = part_of(classes, kBlock, divide_up(block.end() - classes.first, kBlock));
  Rectangle room = {};  // for what will be left
  if (keeps) {
    room = {wanted.keep + (place + kBlock) * stride, nullptr, stride * 4, panels * k.panel * 4, next.count};
  } else if (const Fraction16* shares = wanted.measure ? c_.shares_at(next.first, rows.first) : nullptr) {
    const int64_t of_chunk = std::min(panels * k.panel, c_.plan.chunk_rows - rows.first % c_.plan.chunk_rows);
    room = {shares, nullptr, chunk_stride(k.groups, c_.plan.chunk_rows) * 2, of_chunk * 2, next.count};
  }
  Ahead ahead(panels * divide_up(block.count, k.tile_rows) * words,
              c_.rectangle_of(c_.r.classifier, next, {0, c_.r.dim}), room);

  for (int64_t i = 0; i < panels; ++i) {
    float* to = keeps ? wanted.keep + place * stride + i * k.panel : tile;
    if (!live(i)) {
      for (int64_t line = 0; line < block.count; ++line) std::fill_n(to + line * stride, k.panel, -INFINITY);
      continue;
    }
    const float* a = in_place() ? reinterpret_cast<const float*>(lines.from) : widened;
    for (int64_t at = 0; at < words; at += kMostWords) {
      const Run run = {at, std::min(at + kMostWords, words)};
      k.multiply({a, words, 2 * words, k.groups.size, block.count, in_place() ? lines.order : nullptr, nullptr,
                  c_.b.panels + i * k.panel * words, &run, 1, to, stride, k.panel, at > 0, &ahead});
    }
    if (!wanted.measure) continue;

    TargetHere targets[64];
    const Range panel = part_of(rows, k.panel, i);
    const int64_t count = c_.targets_in(panel, block, targets);
    for (int64_t t = 0; t < count; ++t) {
      c_.b.target_logits[panel.first + targets[t].row] = to[targets[t].line * stride + targets[t].row];
    }
    const auto part = [&](auto* array) { return array ? array + i * k.panel : nullptr; };
    Fraction16* shares = c_.shares_at(block.first, panel.first);
    float* block_max = c_.b.block_max ? c_.b.block_max + n * c_.plan.pass_rows + i * k.panel : nullptr;
    k.absorb({to, stride, block.count, block.first, lines.order, c_.transform, c_.class_weights(), targets, count,
              transformed, shares, chunk_stride(k.groups, c_.plan.chunk_rows)},
             {part(partials.max), part(partials.sum), part(partials.gap), part(partials.labelled), part(partials.best),
              part(partials.argmax), block_max});
    if (shares) std::copy_n(part(partials.max), k.panel, c_.anchors_at(block.first, panel.first));
  }
}

math::RowStatistics CutLogits::meet(int64_t at, int64_t* argmax) const {
  const int64_t spans = divide_up(c_.r.classes, span_classes(c_.r.classes));
  math::RowStatistics s = {-INFINITY, 0, 0, 0, 0};
  double labelled = 0;
  float best = -INFINITY;
  for (int64_t i = 0; i < spans; ++i) {
    const RowPartials p = partials(i);
    if (p.sum[at] != 0 && p.max[at] > s.max) s.max = p.max[at];
    if (p.labelled) labelled += p.labelled[at];
    if (!p.best) continue;
    const bool first_of_equals = p.best[at] == best && p.argmax[at] < *argmax;
    if (i == 0 || first_of_equals || (!(p.best[at] <= best) && best == best)) {
      best = p.best[at], *argmax = p.argmax[at];
    }
  }
  for (int64_t i = 0; i < spans; ++i) {
    const RowPartials p = partials(i);
    if (p.sum[at] == 0) continue;
    const double gap = p.max[at] - s.max, shrink = std::exp(gap);
    s.sum += p.sum[at] * shrink;
    if (p.gap) s.weighted_max_gap += shrink > 0 ? (p.gap[at] + gap * p.sum[at]) * shrink : 0;
  }
  s.labels = c_.label_weight;
  s.labelled_gap = labelled - s.label_anchor() * s.labels;
  return s;
}

void CutLogits::finish(Range rows) {
  c_.run(divide_up(rows.count, c_.k.panel), 0, [&](int64_t i, float*) {
    const Range panel = part_of(rows, c_.k.panel, i);
    for (int64_t row = panel.first; row < panel.end(); ++row) finish_row(row, row - rows.first);
    if (!c_.shape.gradient()) return;
    for (int64_t row = panel.end(); row < panel.first + c_.k.panel; ++row) {
      c_.b.reference[row] = c_.b.factor[row] = 0;
      if (c_.b.labels) c_.b.labels[row] = 0;
      if (c_.b.threshold) c_.b.threshold[row] = FLT_MIN;
    }
    if (c_.b.live) mark_live(rows, panel);
  });
}

/// Conservative: what a tile's largest logit rules out, the gradient's own test of each element rules out as well.
void CutLogits::mark_live(Range rows, Range panel) {
  const int64_t at = panel.first - rows.first;
  for (int64_t n = 0; n < divide_up(c_.r.classes, kBlock); ++n) {
    const float* most = c_.b.block_max + n * c_.plan.pass_rows + at;
    bool live = false;
    for (int64_t i = 0; i < panel.count; ++i) live |= !(most[i] < c_.b.cut[panel.first + i]);
    c_.live(panel.first / c_.k.panel)[n] = live;
  }
}

/// The z below which |factor exp(z - reference)| + |labels w_j| < threshold for every class, with room for rounding.
float CutLogits::cut_of(const math::RowOutcome& outcome, int64_t row) const {
  constexpr double kRoom = 1e-4;
  const CutBuffers& b = c_.b;
  const double left = b.threshold[row] - std::fabs(outcome.labels) * c_.most_weight;
  if (!(left > 0)) return -INFINITY;
  if (b.factor[row] == 0) return INFINITY;
  const double cut = b.reference[row] + std::log(left / std::fabs(b.factor[row])) - kRoom;
  return std::nextafter(float(cut), -INFINITY);
}

void CutLogits::finish_row(int64_t row, int64_t at) {
  const CutBuffers& b = c_.b;
  const int64_t id = b.ids[row];
  int64_t argmax = -1;
  const math::RowStatistics s = meet(at, &argmax);
  math::RowOutcome outcome;
  double slope = 0;
  if (id >= 0) {
    const double bias = b.bias ? b.bias[b.places[row]] : 0;
    const auto target = c_.transform.cap.at(b.target_logits[row] * c_.transform.inverse_temperature + bias);
    outcome = c_.terms.id_row(row, id, s, target.z);
    slope = target.slope * c_.transform.inverse_temperature;
  } else {
    outcome = math::ignored_row(s);
  }
  b.values[row] = outcome.value;
  c_.terms.write_outputs(row, outcome, id >= 0 ? argmax : -1);
  if (!c_.shape.gradient()) return;

  // dz = softmax exp(z - lse), by the largest logit, from which no exponential overflows
  const double reference = s.max == -INFINITY ? 0 : s.max;
  const double share = std::exp((reference - outcome.lse.anchor) - outcome.lse.excess);
  b.reference[row] = float(reference);
  b.factor[row] = float(math::times(outcome.softmax, share));
  b.target_factor[row] = float(math::times(outcome.target, slope));
  if (b.labels) b.labels[row] = float(outcome.labels);
  b.matters[row] = outcome.softmax != 0 || outcome.labels != 0 || outcome.target != 0;
  if (b.threshold) b.threshold[row] = std::max(float(c_.r.filter_eps * std::fabs(outcome.softmax)), FLT_MIN);
  if (b.cut) b.cut[row] = cut_of(outcome, row);
}

}  // namespace cutloss::cpu
