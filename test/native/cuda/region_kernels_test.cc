// The kernels of the regions engine on small ragged shapes, in every storage type, through the engine as the binding
// calls it, against float64 loops. Half of the cases leave their views in host memory, half put them on the GPU.
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "engine/engine.h"
#include "test/native/check.h"
#include "test/native/cuda/on_gpu.h"
#include "test/native/cuda/region_loops.h"

using namespace cutloss;
using test::gpu;
using test::Memory;
using test::narrow;
using test::Numbers;
using test::RegionInputs;
using test::Rounded;
using test::Storage;

namespace {

using Options = std::function<void(RegionsRequest&)>;

void plain(RegionsRequest&) {}
void squared(RegionsRequest& r) { r.squared = 1; }
void l1(RegionsRequest& r) { r.l1 = 1; }
void self_adjusting(RegionsRequest& r) {
  r.transform = int64_t(math::RegionTransform::kSelfAdjusting);
  r.transform_parameter = 1.5;
}
void with_terms(RegionsRequest& r) {
  r.cross_entropy = 0.5;
  r.focal = 2;
  r.focal_positive = 0.25;
  r.focal_negative = 0.75;
  r.focal_gamma_negative = 3;
}
/// For many classes of few pixels, each of which alone would be a region whose sums round off as much as its pixels.
void of_images(RegionsRequest& r) { r.over = int64_t(Over::kImage); }
void sigmoid(RegionsRequest& r) { r.activation = int64_t(Activation::kSigmoid); }
void none(RegionsRequest& r) { r.activation = int64_t(Activation::kNone); }
Options both(Options a, Options b) {
  return [=](RegionsRequest& r) { a(r), b(r); };
}

struct Case {
  RegionsRequest request;
  RegionInputs inputs;
  DType targets = DType::kInt32;
  bool byte_mask = false;
};

Case make(int64_t batch, int64_t pixels, int64_t classes, Numbers& random, const Options& options = plain) {
  Case c;
  RegionsRequest& r = c.request;
  r.batch = batch;
  r.pixels = pixels;
  r.classes = classes;
  r.numerator_smooth = r.denominator_smooth = 1e-5;
  r.ignores = 1;
  r.ignore_index = 255;
  options(r);
  const bool probabilities = r.activation == int64_t(Activation::kNone);
  for (int64_t i = 0; i < batch * pixels * classes; ++i) {
    c.inputs.predictions.push_back(probabilities ? random.below(17) / 16. : random.normal());
  }
  for (int64_t pixel = 0; pixel < batch * pixels; ++pixel) {
    c.inputs.ids.push_back(random.below(9) == 0 ? 255 : random.below(static_cast<int>(classes)));
  }
  return c;
}

Case with_labels(Case c, DType dtype, Numbers& random) {
  c.request.soft_targets = 1;
  c.targets = dtype;
  c.inputs.ids.clear();
  for (size_t i = 0; i < c.inputs.predictions.size(); ++i) {
    c.inputs.labels.push_back(is_floating(dtype) ? random.below(5) / 4. : random.below(2));
  }
  return c;
}

Case with_mask(Case c, bool bytes, Numbers& random) {
  c.byte_mask = bytes;
  for (int64_t i = 0; i < c.request.batch * c.request.pixels; ++i) {
    c.inputs.mask.push_back(bytes ? random.below(2) : random.below(4) / 2.);
  }
  return c;
}

/// [batch, pixels, classes] as the request lays it out, and back.
std::vector<double> laid_out(const RegionsRequest& r, const std::vector<double>& values, bool back = false) {
  if (!r.channels_first) return values;
  std::vector<double> to(values.size());
  for (int64_t image = 0; image < r.batch; ++image) {
    for (int64_t i = 0; i < r.pixels; ++i) {
      for (int64_t c = 0; c < r.classes; ++c) {
        const int64_t last = (image * r.pixels + i) * r.classes + c, first = (image * r.classes + c) * r.pixels + i;
        back ? to[last] = values[first] : to[first] = values[last];
      }
    }
  }
  return to;
}

enum class Mode { kValue, kGradient, kInPlace, kMoments };

template <class T>
struct Result {
  double loss;
  std::vector<T> gradient;
};

std::vector<unsigned char> as_bytes(const std::vector<double>& values) { return {values.begin(), values.end()}; }

/// Runs the case on the GPU. Targets in every integer type travel as their bytes.
template <class T>
class Run {
 public:
  Run(const Case& c, Mode mode, bool on_gpu)
      : predictions(narrow<T>(laid_out(c.request, c.inputs.predictions)), on_gpu),
        gradient(std::vector<T>(mode == Mode::kGradient || mode == Mode::kMoments ? c.inputs.predictions.size() : 0),
                 on_gpu),
        targets(target_bytes(c), on_gpu),
        float_mask(c.byte_mask ? std::vector<float>() : std::vector<float>(c.inputs.mask.begin(), c.inputs.mask.end()),
                   on_gpu),
        byte_mask(c.byte_mask ? as_bytes(c.inputs.mask) : std::vector<unsigned char>(), on_gpu),
        moments(std::vector<double>(mode == Mode::kMoments ? c.request.moment_rows() * kRegionMomentCount : 0),
                on_gpu) {
    request = c.request;
    RegionsRequest& r = std::get<RegionsRequest>(request);
    r.predictions = predictions.view(Storage<T>::kDType);
    r.targets = targets.view(c.targets);
    r.targets.size = static_cast<int64_t>(c.inputs.ids.size() + c.inputs.labels.size());
    r.mask = c.byte_mask ? byte_mask.view(DType::kUint8) : float_mask.view(DType::kFloat32);
    r.gradient = mode == Mode::kInPlace ? r.predictions : gradient.view(Storage<T>::kDType);
    r.moments = moments.view(DType::kFloat64);
  }

  Status operator()() {
    Cancel cancel;
    return gpu()->run(request, cancel);
  }
  RegionsRequest& result() { return std::get<RegionsRequest>(request); }

  Request request;
  Memory<T> predictions, gradient;
  Memory<unsigned char> targets;
  Memory<float> float_mask;
  Memory<unsigned char> byte_mask;
  Memory<double> moments;

 private:
  template <class S>
  static std::vector<unsigned char> bytes_of(const std::vector<S>& values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    return {bytes, bytes + values.size() * sizeof(S)};
  }
  static std::vector<unsigned char> target_bytes(const Case& c) {
    const std::vector<double> values = c.request.soft_targets
                                           ? laid_out(c.request, c.inputs.labels)
                                           : std::vector<double>(c.inputs.ids.begin(), c.inputs.ids.end());
    switch (c.targets) {
      case DType::kFloat32: return bytes_of(narrow<float>(values));
      case DType::kFloat16: return bytes_of(narrow<Half>(values));
      case DType::kBFloat16: return bytes_of(narrow<BFloat16>(values));
      case DType::kInt32: return bytes_of(std::vector<int32_t>(values.begin(), values.end()));
      case DType::kInt64: return bytes_of(std::vector<int64_t>(values.begin(), values.end()));
      default: return as_bytes(values);
    }
  }
};

/// Within four times the error of rounding what is added up to the answer.
template <class T>
bool close(double found, const Rounded& wanted) {
  using S = Storage<T>;
  return std::fabs(found - wanted.exact) <= 4 * std::fmax(wanted.size * S::kHalfUnit, S::kSmallest) + 0x1p-126;
}

template <class T>
void expect_close(const RegionsRequest& r, const char* what, size_t i, double found, const Rounded& wanted) {
  if (CHECK(close<T>(found, wanted)) || test::failures > 20) return;
  std::printf("  [%d, %d, %d], channels %s: %s %zu is %.9g instead of %.9g (of size %.3g)\n", int(r.batch),
              int(r.pixels), int(r.classes), r.channels_first ? "first" : "last", what, i, found, wanted.exact,
              wanted.size);
}

template <class T>
void run(Case c, Mode mode, bool on_gpu) {
  for (double& z : c.inputs.predictions) {
    T stored;
    math::narrow(static_cast<float>(z), &stored);
    z = math::widen(stored);
  }
  Run<T> run(c, mode, on_gpu);
  const Status status = run();
  if (!CHECK(status.ok())) {
    std::printf("%s\n", status.message);
    return;
  }

  RegionsRequest judged = c.request;
  std::vector<double> moments(mode == Mode::kMoments ? judged.moment_rows() * kRegionMomentCount : 0);
  if (mode == Mode::kMoments) judged.moments = Memory<double>(moments, false).view(DType::kFloat64);
  judged.moments.data = moments.data();
  RegionSums sums;
  RegionSlopeTable slopes;
  CHECK(sums.allocate(judged).ok());
  const test::RegionLoops loops(judged, c.inputs);
  loops.add_up(&sums);
  CHECK(judge_regions(judged, sums, &slopes).ok());
  expect_close<float>(judged, "loss", 0, run.result().loss, {judged.loss, 1 + std::fabs(judged.loss)});
  CHECK(run.result().regions == judged.regions);
  const std::vector<double>& found_moments = run.moments.fetch();
  for (size_t i = 0; i < moments.size(); ++i) {
    expect_close<float>(judged, "moment", i, found_moments[i], {moments[i], std::fabs(moments[i])});
  }

  if (mode == Mode::kValue) return;
  const std::vector<T>& stored = mode == Mode::kInPlace ? run.predictions.fetch() : run.gradient.fetch();
  std::vector<double> found(stored.size());
  for (size_t i = 0; i < found.size(); ++i) found[i] = math::widen(stored[i]);
  found = laid_out(c.request, found, true);
  const std::vector<Rounded> wanted = loops.gradient(slopes);
  for (size_t i = 0; i < found.size(); ++i) expect_close<T>(judged, "element", i, found[i], wanted[i]);
}

/// One pixel's id is no class: nothing may be written, and the first such pixel is named.
template <class T>
void run_bad_target(DType dtype, bool given_moments, bool on_gpu, Numbers& random) {
  Case c = make(2, 300, 3, random);
  c.targets = dtype;
  for (int64_t pixel = 411; pixel < 600; pixel += 60) c.inputs.ids[pixel] = 77;
  c.inputs.ids[590] = dtype == DType::kUint8 ? 200 : -1;
  Run<T> run(c, Mode::kGradient, on_gpu);
  std::vector<double> moments(c.request.moment_rows() * kRegionMomentCount, 1);
  if (given_moments) {
    View& view = run.result().given_moments;
    view = {moments.data(), static_cast<int64_t>(moments.size()), DType::kFloat64, kHost, true};
  }
  const Status status = run();
  CHECK(status.code == Code::kTarget);
  CHECK(status.row == 411 && status.value == 77);
  for (const T& g : run.gradient.fetch()) CHECK(math::widen(g) == 0);
}

/// The gradient from exported moments is that from the images themselves.
template <class T>
void run_given_moments(Numbers& random) {
  const Case c = make(2, 130, 5, random, squared);
  Run<T> own(c, Mode::kMoments, false), given(c, Mode::kGradient, true);
  CHECK(own().ok());
  Memory<double> moments(own.moments.fetch(), true);
  given.result().given_moments = moments.view(DType::kFloat64);
  CHECK(given().ok());
  CHECK(given.result().loss == own.result().loss);
  const std::vector<T>&a = own.gradient.fetch(), &b = given.gradient.fetch();
  for (size_t i = 0; i < a.size(); ++i) CHECK(math::widen(a[i]) == math::widen(b[i]));
}

/// Not-a-number reaches the regions of its image; where it weighs nothing, none.
template <class T>
void run_nan(bool channels_first, bool weighs, Numbers& random) {
  Case c = make(2, 70, 4, random);
  c.request.channels_first = channels_first;
  c.inputs.mask.assign(140, 1);
  c.inputs.mask[3] = weighs;
  c.inputs.ids[3] = 1;
  c.inputs.predictions[3 * 4 + 2] = std::numeric_limits<double>::quiet_NaN();
  Run<T> run(c, Mode::kGradient, false);
  CHECK(run().ok());
  CHECK(std::isnan(run.result().loss) == weighs);
  std::vector<double> found;
  for (const T& g : run.gradient.fetch()) found.push_back(math::widen(g));
  found = laid_out(c.request, found, true);
  for (size_t i = 0; i < found.size(); ++i) {
    const bool image_has_it = weighs && i < 70 * 4 && c.inputs.ids[i / 4] != 255;
    CHECK(std::isnan(found[i]) == image_has_it);
    if (i / 4 == 3 && !weighs) CHECK(found[i] == 0);
  }
}

void run_empty() {
  Numbers random(1);
  for (const bool no_batch : {true, false}) {
    Case c = make(no_batch ? 0 : 2, no_batch ? 5 : 0, 3, random);
    c.request.predictions = c.request.targets = {nullptr, 0, DType::kFloat32, kHost, true};
    c.request.targets.dtype = DType::kInt32;
    Request request = c.request;
    Cancel cancel;
    CHECK(gpu()->run(request, cancel).ok());
    CHECK(std::get<RegionsRequest>(request).loss == 0);
  }
}

template <class T>
void run_all(unsigned seed) {
  Numbers random(seed);
  bool on_gpu = false;
  const auto each_layout = [&](Case c, Mode mode = Mode::kGradient) {
    for (const bool channels_first : {true, false}) {
      c.request.channels_first = channels_first;
      run<T>(c, mode, on_gpu = !on_gpu);
    }
  };
  // ragged and whole tiles, vectors and single elements, one thread to a pixel and many
  for (const int64_t classes : {1, 2, 3, 19, 40}) {
    const Options regions = classes > 4 ? of_images : plain;
    each_layout(make(2, 37, classes, random, regions));
    each_layout(make(1, 96, classes, random, both(regions, with_terms)), Mode::kInPlace);
  }
  each_layout(make(2, 1100, 2, random));
  each_layout(make(1, 530, 19, random), Mode::kValue);
  each_layout(make(1, 40, 260, random, of_images), Mode::kMoments);
  each_layout(with_labels(make(1, 35, 512, random, both(with_terms, of_images)), DType::kUint8, random));
  each_layout(make(1, 20, 1500, random, of_images));  // more than shared memory holds
  // what a region is, and what is left out
  for (const Over over : {Over::kClass, Over::kImage, Over::kAll}) {
    each_layout(with_mask(make(3, 45, 4, random,
                               [over](RegionsRequest& r) {
                                 r.over = int64_t(over);
                                 r.first_class = 1;
                               }),
                          over == Over::kImage, random),
                Mode::kMoments);
  }
  // labels of every type
  for (const DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kInt32, DType::kInt64,
                            DType::kUint8, DType::kBool}) {
    each_layout(with_labels(make(2, 64, 3, random, dtype == DType::kFloat16 ? with_terms : plain), dtype, random));
  }
  for (const DType dtype : {DType::kInt64, DType::kUint8}) {
    Case c = make(2, 50, 6, random);
    c.targets = dtype;
    each_layout(c);
  }
  for (const Options& activation : {Options(sigmoid), Options(none)}) {
    each_layout(make(2, 75, 3, random, activation));
    each_layout(
        with_mask(with_labels(make(1, 48, 2, random, both(activation, l1)), DType::kFloat32, random), false, random),
        Mode::kMoments);
  }
  for (const Options& options : {Options(squared), Options(l1), Options(self_adjusting), both(squared, with_terms)}) {
    each_layout(with_mask(make(2, 51, 5, random, options), true, random));
  }
  each_layout(make(2, 33, 4, random, both(sigmoid, with_terms)));
  each_layout(
      make(1, 33, 4, random, both(both(sigmoid, with_terms), [](RegionsRequest& r) { r.focal_margin = 0.05; })));
  each_layout(make(1, 29, 2, random, both(sigmoid, [](RegionsRequest& r) {
                     r.transform = int64_t(math::RegionTransform::kSteep);
                     r.transform_parameter = 12;
                   })));
  // logits that need their maximum taken off
  for (const double scale : {20., 900.}) {
    Case c = make(2, 90, 7, random, with_terms);
    for (double& z : c.inputs.predictions) z = z * scale - 100;
    each_layout(c);
    each_layout(with_labels(c, DType::kFloat32, random));
  }

  run_bad_target<T>(DType::kInt32, false, true, random);
  run_bad_target<T>(DType::kInt64, true, false, random);
  run_bad_target<T>(DType::kUint8, true, true, random);
  run_given_moments<T>(random);
  for (const bool weighs : {true, false}) {
    run_nan<T>(true, weighs, random);
    run_nan<T>(false, weighs, random);
  }
}

}  // namespace

int main() {
  run_all<float>(1);
  run_all<Half>(2);
  run_all<BFloat16>(3);
  run_empty();
  CHECK(gpu()->memory().bytes == 0);
  CHECK(gpu()->memory().workspace_bytes == 0);
  return test::finish("region kernels");
}
