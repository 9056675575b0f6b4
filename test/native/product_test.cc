// The register tiles that all products of losses on cut logits are made of, for every level and storage type, against
// plain loops: sums over some runs of words, lines in and out of order, at sizes around every tile; nothing is written
// beside them. Lines lie as those of a matrix do, or as the gradient by the logits does.
#include <cmath>
#include <random>
#include <vector>

#include "math/float16.h"
#include "test/native/levels_here.h"

using namespace cutloss;

constexpr int64_t kLines = 128, kWords = 80, kStride = 100;

/// The terms of a word.
std::pair<double, double> terms(const cpu::WordGroups& groups, float word) {
  if (!groups.pairs) return {word, 0};
  const uint32_t bits = math::bits_of(word);
  return {math::float_of(bits << 16), math::float_of(bits & 0xffff0000u)};
}

std::vector<float> random_words(const cpu::WordGroups& groups, int64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> words(count);
  for (float& word : words) {
    word = normal(random);
    if (groups.pairs) word = math::float_of(math::bits_of(word) >> 16 | (math::bits_of(normal(random)) & 0xffff0000u));
  }
  return words;
}

struct Shape {
  int64_t rows, columns;
  bool listed, turned, add;
};

void against_loops(const cpu::CutKernels& k, const Shape& shape, std::mt19937& random) {
  const int64_t group = k.groups.size;
  const std::vector<float> a = random_words(k.groups, kLines * kWords, random),
                           panel = random_words(k.groups, kWords * k.panel, random);
  std::vector<float> to(kLines * kStride, 0.5f), exact = to;
  std::vector<int32_t> lines(shape.rows), places(shape.rows);
  for (int64_t i = 0; i < shape.rows; ++i) lines[i] = int32_t(i * 7 % 101), places[i] = int32_t(i * 5 % 113);
  const cpu::Run runs[] = {{0, group}, {2 * group, 5 * group}};

  cpu::Product p = {};
  p.a = a.data();
  p.row = shape.turned ? group : kWords;
  p.pair = 2 * p.row;
  p.step = shape.turned ? group * kLines : group;
  p.rows = shape.rows;
  p.lines = shape.listed ? lines.data() : nullptr;
  p.places = shape.listed ? places.data() : nullptr;
  p.panel = panel.data();
  p.runs = runs;
  p.run_count = 2;
  p.to = to.data();
  p.stride = kStride;
  p.columns = shape.columns;
  p.add = shape.add;
  k.enter();
  k.multiply(p);
  k.leave();

  for (int64_t i = 0; i < shape.rows; ++i) {
    const int64_t line = shape.listed ? lines[i] : i, place = shape.listed ? places[i] : i;
    for (int64_t j = 0; j < shape.columns; ++j) {
      double sum = shape.add ? exact[place * kStride + j] : 0;
      for (const cpu::Run& run : runs) {
        for (int64_t word = run.begin; word < run.end; ++word) {
          const auto x = terms(k.groups, a[line * p.row + word / group * p.step + word % group]);
          const auto y = terms(k.groups, panel[word * k.panel + j]);
          sum += x.first * y.first + x.second * y.second;
        }
      }
      exact[place * kStride + j] = float(sum);
    }
  }
  bool close = true;
  for (size_t i = 0; i < to.size(); ++i) close &= std::fabs(to[i] - exact[i]) <= (exact[i] == 0.5f ? 0 : 1e-4);
  CHECK(close);
}

int main() {
  test::for_each_level([](const cpu::Level& level) {
    std::mt19937 random(3);
    for (const cpu::CutKernels& k : level.cut_rows->by_dtype) {
      CHECK(k.panel <= kStride && 5 * k.groups.size <= kWords);
      for (const int64_t rows : {1, 2, 6, 7, 15, 16, 17, 31, 32, 33, 96, 100}) {
        for (const int64_t columns : {int64_t{1}, k.panel / 2 - 1, k.panel / 2, k.panel / 2 + 1, k.panel}) {
          for (const int choice : {0, 1, 2, 3, 4, 5, 6, 7}) {
            against_loops(k, {rows, columns, choice % 2 > 0, choice / 2 % 2 > 0, choice / 4 > 0}, random);
          }
        }
      }
    }
  });
  return test::finish("product");
}
