// Between the passes, for losses that look at whole planes: a pass that leaves the predictions of every class that
// counts, or how far each is from its label, as lines of pixels, and beside them, where they are asked for, labels and
// the weights of the pixels. What weighs nothing is 0.
#pragma once

#include "cuda/regions/tile_softmax.h"

namespace cutloss::cuda {

template <class Variant>
class RegionPlanePass {
 public:
  __device__ explicit RegionPlanePass(const RegionPass& pass) : pass_(pass), r_(pass.request), t_(pass) {}

  __device__ void run() {
    const RegionTiling& tiling = pass_.tiling;
    for (int64_t unit = blockIdx.x; unit < tiling.units(pass_.shape); unit += gridDim.x) {
      const int64_t image = unit / tiling.stretches, stretch = unit % tiling.stretches;
      const int64_t end = tiling.first_tile(stretch + 1);
      for (int64_t tile = tiling.first_tile(stretch); tile < end; ++tile) {
        t_.move_to(image, tile);
        t_.load_pixels([](int64_t) {});  // an id that was changed since the first pass is no class, and no harm
        load_labels(t_);
        write_tile();
        __syncthreads();
      }
    }
  }

 private:
  using T = typename Variant::T;
  using Prediction = math::Prediction<ScalarTerm>;

  __device__ void write_tile() {
    if constexpr (Variant::kPath == RegionPath::kEach) {
      load_plane<4>(t_, r_.predictions.template as<const T>(), t_.predictions(), [](float z) { return z; });
      __syncthreads();
      const bool sigmoid = pass_.activation == Activation::kSigmoid;
      write_predictions([this, sigmoid](int c, int i) {
        const float z = t_.prediction(c, i);
        return sigmoid ? Prediction::of_sigmoid(z) : Prediction::of_probability(z);
      });
    } else {
      softmax();
    }
    if (pass_.planes.labels) write(pass_.planes.labels, [this](int c, int i) { return t_.label(c, i); });
    if (pass_.planes.weights) {
      float* to = pass_.planes.weights + t_.image * r_.pixels + t_.first;
      for (int i = threadIdx.x; i < t_.count; i += kRegionThreads) to[i] = t_.weight(i);
    }
  }

  /// What a target that is a class lacks to 1 is the sum of the others: the difference of two numbers near 1 is lost.
  __device__ void softmax() {
    TileSoftmax<Variant, ExactTerm> softmax(t_);
    softmax.load();
    softmax.run(NoSlopes{}, [this](int i, const PixelExponentials& x) {
      t_.set_scale(i, 1, x.sum);
      t_.mean(i) = static_cast<float>(x.others / x.sum);
    });
    const bool by_target = !r_.soft_targets;
    write_predictions([this, by_target](int c, int i) {
      const float p = t_.scaled(t_.prediction(c, i), t_.scale(i), t_.scale_low(i));
      return Prediction{p, by_target && t_.id(i) == c ? t_.mean(i) : 1 - p};
    });
  }

  template <class Predicted>
  __device__ void write_predictions(const Predicted& predicted) {
    if (!pass_.differences) {
      write(pass_.planes.predictions, [&](int c, int i) { return predicted(c, i).p; });
      return;
    }
    write(pass_.planes.predictions, [&, this](int c, int i) {
      const Prediction x = predicted(c, i);
      const float y = t_.label(c, i);
      return y == 1 ? -x.rest : x.p - y;
    });
  }

  /// Neighbouring threads take neighbouring pixels of a line.
  template <class Value>
  __device__ void write(float* planes, const Value& value) {
    const RegionPlanes& p = pass_.planes;
    float* image = planes + t_.image * p.image_stride + t_.first;
    const int first_class = static_cast<int>(r_.first_class), shift = 31 - __clz(t_.pixels);
    for (int u = threadIdx.x; u < (t_.classes - first_class) << shift; u += kRegionThreads) {
      const int c = u >> shift, i = u & (t_.pixels - 1);
      if (i >= t_.count) continue;
      image[c * p.class_stride + i] = t_.weight(i) == 0 ? 0 : value(first_class + c, i);
    }
  }

  const RegionPass& pass_;
  const RegionsRequest& r_;
  RegionTile<Variant> t_;
};

template <class Variant>
__global__ void __launch_bounds__(kRegionThreads, Variant::kResidentBlocks) region_plane_kernel(const RegionPass pass) {
  RegionPlanePass<Variant>(pass).run();
}

template <class T>
cudaError_t start_region_planes(const RegionPass& pass, cudaStream_t stream) {
  return with_variant<T>(pass.gradient_path(), pass.shape.channels_first, [&]<class Variant>(Variant) {
    if constexpr (Variant::kPlain) {
      return cudaErrorInvalidValue;  // a loss of planes is never plain
    } else {
      return launch(region_plane_kernel<Variant>, pass.tiling.blocks, kRegionThreads, pass.tiling.shared_bytes, stream,
                    pass);
    }
  });
}

}  // namespace cutloss::cuda
