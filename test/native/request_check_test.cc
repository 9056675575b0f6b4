// check(): no request whose lengths, ranges or overlaps are wrong reaches an engine, whatever a caller claims.
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "engine/engine.h"
#include "math/rows/objectives.h"
#include "test/native/check.h"

using namespace cutloss;

float memory[4096];
int32_t ids[64];

View floats(int64_t at, int64_t size) { return {memory + at, size, DType::kFloat32, kHost, true}; }

RowsRequest good() {
  RowsRequest r;
  r.rows = 8;
  r.classes = 16;
  r.logits = floats(0, 128);
  r.targets = {ids, 8, DType::kInt32, kHost, true};
  r.gradient = floats(1024, 128);
  return r;
}

template <class Change>
Code after(Change&& change) {
  RowsRequest r = good();
  change(r);
  return check(r).code;
}

CutRowsRequest good_cut() {
  CutRowsRequest r;
  r.rows = 8;
  r.classes = 16;
  r.dim = 4;
  r.hidden = floats(0, 32);
  r.classifier = floats(100, 64);
  r.bias = floats(200, 16);
  r.targets = {ids, 8, DType::kInt32, kHost, true};
  r.hidden_gradient = floats(1024, 32);
  r.classifier_gradient = floats(1100, 64);
  r.bias_gradient = floats(1200, 16);
  return r;
}

template <class Change>
Code after_cut(Change&& change) {
  CutRowsRequest r = good_cut();
  change(r);
  return check(r).code;
}

void check_cut_rows() {
  CHECK(check(good_cut()).ok());
  CHECK(after_cut([](auto& r) { r.bias = r.bias_gradient = {}; }) == Code::kOk);
  CHECK(after_cut([](auto& r) { r.bias = {}; }) == Code::kOption);
  CHECK(after_cut([](auto& r) { r.hidden_gradient = floats(0, 32); }) == Code::kOption);
  CHECK(after_cut([](auto& r) { r.classifier_gradient = floats(1030, 64); }) == Code::kOption);
  CHECK(after_cut([](auto& r) { r.hidden = floats(0, 31); }) == Code::kShape);
  CHECK(after_cut([](auto& r) { r.classifier = floats(100, 63); }) == Code::kShape);
  CHECK(after_cut([](auto& r) { r.bias = floats(200, 8); }) == Code::kShape);
  CHECK(after_cut([](auto& r) { r.bias_gradient = floats(1200, 8); }) == Code::kShape);
  CHECK(after_cut([](auto& r) { r.classifier.dtype = DType::kFloat16; }) == Code::kDType);
  CHECK(after_cut([](auto& r) { r.hidden_gradient.dtype = DType::kBFloat16; }) == Code::kDType);
  CHECK(after_cut([](auto& r) { r.targets = floats(2000, 128); }) == Code::kDType);
  CHECK(after_cut([](auto& r) { r.dim = 0; }) == Code::kShape);
  CHECK(after_cut([](auto& r) { r.rows = int64_t{1} << 40, r.classes = int64_t{1} << 30; }) == Code::kShape);
  CHECK(after_cut([](auto& r) { r.workspace_bytes = -1; }) == Code::kOption);
  CHECK(after_cut([](auto& r) { r.filter_eps = std::numeric_limits<double>::quiet_NaN(); }) == Code::kOption);
}

MatchingRequest good_matching() {
  MatchingRequest r;
  r.items = 2;
  r.height = 3;
  r.width = 4;
  r.prediction = floats(0, 24);
  r.target = floats(100, 24);
  r.upstream = floats(200, 2);
  r.gradient = floats(300, 24);
  r.per_item = floats(400, 2);
  return r;
}

template <class Change>
Code after_matching(Change&& change) {
  MatchingRequest r = good_matching();
  change(r);
  return check(r).code;
}

void check_matching() {
  CHECK(check(good_matching()).ok());
  CHECK(after_matching([](auto& r) { r.gradient = floats(0, 24); }) == Code::kOk);  // in place
  CHECK(after_matching([](auto& r) { r.gradient = floats(1, 24); }) == Code::kOption);
  CHECK(after_matching([](auto& r) { r.gradient = floats(100, 24); }) == Code::kOption);
  CHECK(after_matching([](auto& r) { r.target = floats(100, 23); }) == Code::kShape);
  CHECK(after_matching([](auto& r) { r.axes = 4; }) == Code::kShape);
  CHECK(after_matching([](auto& r) { r.depth = 2; }) == Code::kShape);
  CHECK(after_matching([](auto& r) { r.axes = 3, r.depth = 2, r.height = 2, r.width = 3; }) == Code::kOk);
  CHECK(after_matching([](auto& r) { r.height = -3; }) == Code::kShape);
  CHECK(after_matching([](auto& r) { r.height = r.width = int64_t{1} << 40; }) == Code::kShape);
  CHECK(after_matching([](auto& r) { r.items = int64_t{1} << 60, r.height = r.width = 1 << 12; }) == Code::kShape);
  const auto of_size = [](int64_t height, int64_t width) {  // memory is not looked at here, only its length
    return after_matching([=](auto& r) {
      r.items = 1, r.height = height, r.width = width, r.upstream = r.per_item = r.gradient = {};
      r.prediction.size = r.target.size = height * width;
    });
  };
  CHECK(of_size(37000, 37000) == Code::kOk);  // the most is 1.4e9 voxels
  CHECK(of_size(37500, 37500) == Code::kShape);
  CHECK(of_size(1, 230'000'000) == Code::kOk);
  CHECK(of_size(1, 240'000'000) == Code::kShape);  // with the guards of a line
  CHECK(after_matching([](auto& r) { r.reduction = 3; }) == Code::kOption);
  CHECK(after_matching([](auto& r) { r.unmatched_prediction = -1; }) == Code::kOption);
  CHECK(after_matching([](auto& r) { r.partner = {ids, 8, DType::kInt32, kHost, true}; }) == Code::kInternal);
  CHECK(after_matching([](auto& r) {
          r.prediction_bars.counts = {ids, 4, DType::kInt32, kHost, true};
        }) == Code::kShape);  // no room for bars
}

PrepareTargetRequest good_preparation() {
  PrepareTargetRequest r;
  r.items = 2;
  r.height = 3;
  r.width = 4;
  r.capacity = most_prepared_words(r);
  r.target = floats(0, 24);
  r.prepared = {memory + 100, 2 * r.capacity, DType::kInt32, kHost, true};
  return r;
}

template <class Change>
Code after_preparation(Change&& change) {
  PrepareTargetRequest r = good_preparation();
  change(r);
  return check(r).code;
}

void check_preparation() {
  CHECK(check(good_preparation()).ok());
  CHECK(after_preparation([](auto& r) { r.target = floats(0, 23); }) == Code::kShape);
  CHECK(after_preparation([](auto& r) { r.target = floats(99, 24); }) == Code::kOption);
  CHECK(after_preparation([](auto& r) { --r.prepared.size; }) == Code::kShape);
  CHECK(after_preparation([](auto& r) { --r.capacity, r.prepared.size -= 2; }) == Code::kShape);
  CHECK(after_preparation([](auto& r) { r.capacity = int64_t{1} << 61, r.prepared.size = 0; }) == Code::kDetached);
  CHECK(after_preparation([](auto& r) { r.capacity = int64_t{1} << 62; }) == Code::kShape);
  CHECK(after_matching([](auto& r) { r.prepared = {ids, 9, DType::kInt32, kHost, true}; }) == Code::kShape);
}

int main() {
  check_preparation();
  check_matching();
  check_cut_rows();
  CHECK(check(good()).ok());
  CHECK(after([](auto& r) { r.gradient = floats(0, 128); }) == Code::kOk);  // in place
  CHECK(after([](auto& r) { r.gradient = floats(1, 128); }) == Code::kOption);
  CHECK(after([](auto& r) { r.gradient = floats(127, 128); }) == Code::kOption);
  CHECK(after([](auto& r) { r.per_item = floats(120, 8); }) == Code::kOption);
  CHECK(after([](auto& r) { r.per_item = floats(2000, 8), r.lse = floats(2007, 8); }) == Code::kOption);
  CHECK(after([](auto& r) { r.per_item = floats(2000, 8), r.lse = floats(2008, 8); }) == Code::kOk);
  CHECK(after([](auto& r) { r.logits.size = 127; }) == Code::kShape);
  CHECK(after([](auto& r) { r.logits.size = 0; }) == Code::kDetached);
  CHECK(after([](auto& r) { r.weights = floats(2000, 7); }) == Code::kShape);
  CHECK(after([](auto& r) { r.class_weights = floats(2000, 8); }) == Code::kShape);
  CHECK(after([](auto& r) { r.gradient.dtype = DType::kFloat16, r.gradient.size = 128; }) == Code::kDType);
  CHECK(after([](auto& r) { r.targets = floats(2000, 8); }) == Code::kShape);  // probabilities need [rows, classes]
  CHECK(after([](auto& r) { r.classes = 0; }) == Code::kShape);
  CHECK(after([](auto& r) { r.rows = -1; }) == Code::kShape);
  CHECK(after([](auto& r) { r.rows = int64_t{1} << 62, r.classes = 8; }) == Code::kShape);
  CHECK(after([](auto& r) { r.shift = 1; }) == Code::kOption);
  CHECK(after([](auto& r) { r.shift = 1, r.time = 3; }) == Code::kOption);
  CHECK(after([](auto& r) { r.shift = -1, r.time = 4; }) == Code::kOption);
  CHECK(after([](auto& r) { r.shift = std::numeric_limits<int64_t>::max(), r.time = 4; }) == Code::kOk);
  CHECK(after([](auto& r) { r.reduction = 3; }) == Code::kOption);
  CHECK(after([](auto& r) { r.objective = math::kGivenObjective; }) == Code::kInternal);
  CHECK(after([](auto& r) { r.objective = math::kGivenObjective + 1; }) == Code::kOption);

  // Requests at random: what passes is run, and sanitizers watch.
  std::mt19937_64 random(5);
  const int64_t sizes[] = {0, 1, 7, 8, 16, 127, 128, 129, -1, int64_t{1} << 40, std::numeric_limits<int64_t>::max()};
  const auto pick = [&] { return sizes[random() % std::size(sizes)]; };
  int passed = 0;
  for (int i = 0; i < 200000; ++i) {
    RowsRequest r = good();
    for (int changes = int(random() % 3); changes >= 0; --changes) {
      switch (random() % 8) {
        case 0: r.rows = pick(); break;
        case 1: r.classes = pick(); break;
        case 2: r.weights = floats(int64_t(random() % 256), int64_t(random() % 20)); break;
        case 3: r.per_item = floats(int64_t(random() % 256), int64_t(random() % 20)); break;
        case 4: r.shift = pick(), r.time = pick(); break;
        case 5: r.objective = int64_t(random() % 12); break;
        case 6: ids[random() % 8] = int32_t(random()); break;
        default: ids[random() % 8] = int32_t(random() % 16);
      }
    }
    Request request = r;
    Cancel never;
    if (cpu_engine().run(request, never).ok()) ++passed;
  }
  CHECK(passed > 1000);
  return test::finish("request_check");
}
