// Losses of whole planes on the emulated GPU against the CPU engine, which is tested against the reference: small
// ragged images in 2-D and 3-D, several blocks to an image, a region, a mask and a class weight of every kind. Results
// are also the same from run to run.
#include <cmath>
#include <functional>
#include <vector>

#include "engine/engine.h"
#include "test/native/check.h"
#include "test/native/cuda/on_gpu.h"

using namespace cutloss;
using math::PlaneLoss;
using test::gpu;
using test::Memory;
using test::Numbers;
using test::Storage;

namespace {

using Options = std::function<void(RegionsRequest&)>;

struct Case {
  PlaneLoss loss;
  int64_t batch, depth, height, width, classes;
  Options options = [](RegionsRequest&) {};
  bool soft = false, masked = false, class_weights = false, ignored = false;
  int coarse = 0;  // predictions are multiples of 1 / coarse: many are equal
};

template <class T>
struct Result {
  double loss;
  std::vector<float> per_item;
  std::vector<T> gradient;
};

/// Blobs, so that there is something to thin.
std::vector<int32_t> ids_of(const Case& c, Numbers& random) {
  const int64_t depth = std::max<int64_t>(1, c.depth), pixels = depth * c.height * c.width;
  std::vector<int32_t> ids(c.batch * pixels, 0);
  for (int64_t image = 0; image < c.batch; ++image) {
    for (int blob = 0; blob < 8; ++blob) {
      const int64_t cz = random.below(int(depth)), cy = random.below(int(c.height)), cx = random.below(int(c.width));
      const int64_t reach = 1 + random.below(int(std::max<int64_t>(1, c.height / 3)));
      const auto id = static_cast<int32_t>(random.below(int(c.classes)));
      const bool round = random.below(2) != 0;
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t z = i / (c.height * c.width) - cz, y = i / c.width % c.height - cy, x = i % c.width - cx;
        const bool inside = round ? z * z + y * y + x * x <= reach * reach
                                  : std::abs(z) <= reach && std::abs(y) <= reach && std::abs(x) <= reach / 2;
        if (inside) ids[image * pixels + i] = id;
      }
    }
    for (int64_t i = 0; c.ignored && i < pixels; ++i) {
      if (random.below(9) == 0) ids[image * pixels + i] = 255;
    }
  }
  return ids;
}

template <class T>
struct Inputs {
  std::vector<T> predictions;
  std::vector<int32_t> ids;
  std::vector<float> labels, mask, class_weights, upstream;

  Inputs() = default;
  Inputs(const Case& c, const RegionsRequest& r, Numbers& random) : ids(ids_of(c, random)) {
    const bool probabilities = r.activation == int64_t(Activation::kNone);
    std::vector<double> z(r.batch * r.pixels * r.classes);
    for (double& x : z) {
      x = c.coarse        ? double(random.below(c.coarse + 1)) / c.coarse
          : probabilities ? random.below(97) / 96.
                          : random.normal();
    }
    predictions = test::narrow<T>(z);
    if (c.soft) {
      for (size_t i = 0; i < z.size(); ++i) labels.push_back(static_cast<float>(random.below(5)) / 4);
      ids.clear();
    }
    for (int64_t i = 0; c.masked && i < r.batch * r.pixels; ++i)
      mask.push_back(static_cast<float>(random.below(4)) / 2);
    for (int64_t k = 0; c.class_weights && k < r.classes; ++k) class_weights.push_back(0.5f + static_cast<float>(k));
    for (int64_t k = 0; k < r.region_count(); ++k) upstream.push_back(1 + static_cast<float>(k % 3));
  }
};

template <class T>
Result<T> compute(Engine* engine, RegionsRequest r, const Case& c, const Inputs<T>& in, bool on_gpu) {
  Memory<T> predictions(in.predictions, on_gpu), gradient(std::vector<T>(in.predictions.size()), on_gpu);
  Memory<int32_t> ids(in.ids, on_gpu);
  Memory<float> labels(in.labels, on_gpu), mask(in.mask, on_gpu), weights(in.class_weights, on_gpu),
      upstream(in.upstream, on_gpu), per_item(std::vector<float>(in.upstream.size()), on_gpu);
  r.predictions = predictions.view(Storage<T>::kDType);
  r.gradient = gradient.view(Storage<T>::kDType);
  r.targets = c.soft ? labels.view(DType::kFloat32) : ids.view(DType::kInt32);
  r.mask = mask.view(DType::kFloat32);
  r.class_weights = weights.view(DType::kFloat32);
  r.upstream = upstream.view(DType::kFloat32);
  r.per_item = per_item.view(DType::kFloat32);
  Request request = r;
  Cancel cancel;
  const Status status = engine->run(request, cancel);
  if (!CHECK(status.ok())) std::printf("%s\n", status.message);
  return {std::get<RegionsRequest>(request).loss, per_item.fetch(), gradient.fetch()};
}

template <class T>
float largest_of(const std::vector<T>& values) {
  float largest = 0;
  for (const T& value : values) largest = std::fmax(largest, std::fabs(math::widen(value)));
  return largest;
}

/// The largest slope by a prediction. With softmax a gradient is made of differences of them, whose rounding is that of
/// what is subtracted.
template <class T>
float largest_slope_of_softmax(RegionsRequest r, const Case& c, const Inputs<T>& in) {
  Inputs<float> given = {};
  given.ids = in.ids, given.labels = in.labels, given.mask = in.mask;
  given.class_weights = in.class_weights, given.upstream = in.upstream;
  const int64_t stride = r.channels_first ? r.pixels : 1;
  for (const T& z : in.predictions) given.predictions.push_back(std::exp(math::widen(z)));
  for (int64_t i = 0; i < r.batch * r.pixels; ++i) {
    float* first = given.predictions.data() +
                   (r.channels_first ? i / r.pixels * r.pixels * r.classes + i % r.pixels : i * r.classes);
    float sum = 0;
    for (int64_t k = 0; k < r.classes; ++k) sum += first[k * stride];
    for (int64_t k = 0; k < r.classes; ++k) first[k * stride] /= sum;
  }
  r.activation = int64_t(Activation::kNone);
  return largest_of(compute(&cpu_engine(), r, c, given, false).gradient);
}

template <class T>
void expect_same(const Case& c, const Result<T>& found, const Result<T>& wanted, float size) {
  bool good = CHECK(std::fabs(found.loss - wanted.loss) <= 2e-6 * (1 + std::fabs(wanted.loss)));
  for (size_t k = 0; k < wanted.per_item.size(); ++k) {
    good =
        CHECK(std::fabs(found.per_item[k] - wanted.per_item[k]) <= 2e-6f * (1 + std::fabs(wanted.per_item[k]))) && good;
  }
  float difference = 0;
  for (size_t i = 0; i < wanted.gradient.size(); ++i) {
    const float a = math::widen(found.gradient[i]), b = math::widen(wanted.gradient[i]);
    difference = std::fmax(difference, std::fabs(a - b));
    good = CHECK(std::isfinite(a)) && good;
  }
  good = CHECK(difference <= 8 * Storage<T>::kHalfUnit * size) && good;
  if (!good) {
    std::printf("  loss %d of [%d, %d, %d, %d, %d]: %.9g instead of %.9g, gradients differ by %g of %g\n", int(c.loss),
                int(c.batch), int(c.depth), int(c.height), int(c.width), int(c.classes), found.loss, wanted.loss,
                difference, size);
  }
}

template <class T>
void run(const Case& c, bool on_gpu, Numbers& random) {
  RegionsRequest r;
  r.plane_loss = int64_t(c.loss);
  r.index = math::kNoRegionIndex;
  r.batch = c.batch;
  r.depth = c.depth;
  r.height = c.height;
  r.width = c.width;
  r.pixels = std::max<int64_t>(1, c.depth) * c.height * c.width;
  r.classes = c.classes;
  r.soft_targets = c.soft;
  r.rounds = 2;
  r.index_first = 0.75;
  r.numerator_smooth = r.denominator_smooth = 1e-5;
  r.reduction = int64_t(Reduction::kNone);
  r.ignores = c.ignored;
  r.ignore_index = 255;
  c.options(r);
  const Inputs<T> inputs(c, r, random);
  const bool softmax = r.activation == int64_t(Activation::kSoftmax);
  for (const bool channels_first : {true, false}) {
    r.channels_first = channels_first;
    const Result<T> wanted = compute(&cpu_engine(), r, c, inputs, false);
    const Result<T> found = compute(gpu(), r, c, inputs, on_gpu), again = compute(gpu(), r, c, inputs, !on_gpu);
    expect_same(c, found, wanted, softmax ? largest_slope_of_softmax(r, c, inputs) : largest_of(wanted.gradient));
    CHECK(found.loss == again.loss);
    for (size_t i = 0; i < found.gradient.size(); ++i) {
      CHECK(math::bits_of(math::widen(found.gradient[i])) == math::bits_of(math::widen(again.gradient[i])));
    }
  }
}

Options with(Over over, Activation activation = Activation::kSoftmax, int64_t first_class = 0, int64_t rounds = 2) {
  return [=](RegionsRequest& r) {
    r.over = int64_t(over);
    r.activation = int64_t(activation);
    r.first_class = first_class;
    r.rounds = rounds;
  };
}

template <class T>
void run_all(unsigned seed) {
  Numbers random(seed);
  bool on_gpu = false;
  const auto each = [&](Case c) { run<T>(c, on_gpu = !on_gpu, random); };
  for (const PlaneLoss loss : {PlaneLoss::kLovasz, PlaneLoss::kSoftClDice, PlaneLoss::kSkeletonRecall}) {
    each({loss, 2, 0, 13, 11, 3});
    each({loss, 2, 0, 17, 9, 4, with(Over::kClass, Activation::kSoftmax, 1), false, true, true});
    each({loss, 3, 0, 7, 10, 2, with(Over::kImage, Activation::kSigmoid), false, false, true, true});
    each({loss, 2, 4, 6, 5, 2, with(Over::kAll), false, true, true});
    each({loss, 1, 7, 9, 8, 2, with(Over::kImageClass, Activation::kNone, 0, 0), true, true});
    each({loss, 2, 1, 8, 9, 3, with(Over::kImageClass, Activation::kSoftmax, 1, 1), false, false, false, true});
    each({loss, 2, 0, 12, 12, 2, with(Over::kAll, Activation::kNone), false, false, false, false, 4});
    each({loss, 1, 0, 1, 1, 1, with(Over::kImageClass, Activation::kSigmoid)});
  }
  // more than one block sorts by itself; of given predictions, because what two engines round differently may change
  // places where elements are many
  each({PlaneLoss::kLovasz, 1, 0, 64, 90, 2, with(Over::kImageClass, Activation::kNone)});
  each({PlaneLoss::kSoftClDice, 1, 0, 50, 70, 2, with(Over::kImageClass, Activation::kSigmoid, 0, 5)});
  each({PlaneLoss::kSkeletonRecall, 1, 0, 70, 90, 3, with(Over::kImageClass, Activation::kSoftmax, 1)});
  each({PlaneLoss::kSkeletonRecall, 1, 16, 18, 20, 2, with(Over::kImageClass, Activation::kSoftmax, 1)});
}

}  // namespace

int main() {
  run_all<float>(1);
  run_all<Half>(2);
  run_all<BFloat16>(3);
  CHECK(gpu()->memory().bytes == 0);
  CHECK(gpu()->memory().workspace_bytes == 0);
  return test::finish("plane kernels");
}
