// The second pass, for one storage type: with g = dL/dp of every class,
//
//   softmax  dz_k = m (p_k (g_k - sum_j p_j g_j) + v (p_k - y_k))      v: weight of the pixel's own terms
//   sigmoid  dz_k = m (p_k (1 - p_k) g_k + terms')                     none  dz_k = m g_k
//
// and each element written once. Blocks take the last tiles first, which the first pass left in the cache.
#pragma once

#include "cuda/regions/tile_softmax.h"

namespace cutloss::cuda {

template <class Variant>
class RegionGradientPass {
 public:
  __device__ explicit RegionGradientPass(const RegionPass& pass) : pass_(pass), r_(pass.request), t_(pass) {}

  __device__ void run() {
    const RegionTiling& tiling = pass_.tiling;
    for (int64_t unit = blockIdx.x; unit < tiling.units(pass_.shape); unit += gridDim.x) {
      const int64_t image = unit / tiling.stretches, stretch = unit % tiling.stretches;
      slopes_ = pass_.slopes + pass_.image_row(image) * t_.classes;
      factors_ = pass_.factors[pass_.image_row(image)];
      int64_t tile = tiling.first_tile(stretch + 1);  // counted down by a short integer: registers are full
      for (int left = static_cast<int>(tile - tiling.first_tile(stretch)); left > 0; --left) {
        --tile;
        t_.move_to(image, tile);
        compute_tile();
        __syncthreads();
        store_plane(t_, r_.gradient.template as<T>());
        __syncthreads();
      }
    }
  }

 private:
  using T = typename Variant::T;
  using Prediction = math::Prediction<ScalarTerm>;
  using Term = std::conditional_t<sizeof(T) == 2, QuickTerm, ExactTerm>;
  using Softmax = TileSoftmax<Variant, Term>;

  __device__ void compute_tile() {
    t_.load_pixels([](int64_t) {});  // an id that was changed since the first pass is no class, and no harm
    load_labels(t_);
    if constexpr (Variant::kPath == RegionPath::kEach) {
      each_for_itself();
    } else if constexpr (Variant::kPlain) {
      plain_softmax();
    } else {
      general_softmax();
    }
  }

  /// Replaces what is in the plane by value_at(i)(c, it).
  template <class ValueAt>
  __device__ void replace(const ValueAt& value_at) {
    const PixelTeam& team = t_.team;
    for (int i = team.first; i < t_.count; i += team.step) {
      const bool none = t_.weight(i) == 0;
      const auto value = value_at(i);
#pragma unroll 4
      for (int c = team.part; c < t_.classes; c += team.parts) {
        float& here = t_.prediction(c, i);
        here = none ? 0 : value(c, here);
      }
    }
  }

  __device__ void plain_softmax() {
    Softmax softmax(t_);
    softmax.load();
    const PlainSlopes slopes = {slopes_};
    softmax.run(slopes, [this](int i, const PixelExponentials& x) {
      const float weight = t_.weight(i);
      float v = factors_.cross_entropy;
      if (pass_.focal.on && weight != 0) {
        v += factors_.focal * pass_.focal.of_class(t_.id(i)) * x.focal(pass_.focal).weight;
      }
      t_.set_scale(i, weight, x.sum);
      t_.mean(i) = static_cast<float>(x.mean) / static_cast<float>(x.sum) - v;
      t_.pull(i) = weight * v;
    });
    replace([&](int i) {
      return [slopes, id = t_.id(i), scale = t_.scale(i), low = t_.scale_low(i), mean = t_.mean(i), pull = t_.pull(i)](
                 int c, float e) {
        const bool target = c == id;
        const float value = RegionTile<Variant>::scaled(e, scale, low) * (slopes.at(c, target) - mean);
        return target ? value - pull : value;
      };
    });
  }

  __device__ void general_softmax() {
    Softmax softmax(t_);
    softmax.load();
    softmax.run(NoSlopes{}, [this](int i, const PixelExponentials& x) {
      if (t_.weight(i) != 0) t_.set_scale(i, 1, x.sum);
    });
    const PixelTeam& team = t_.team;
    for (int i = team.first; i < t_.count; i += team.step) {
      const float scale = t_.scale(i), low = t_.scale_low(i);
      double all = 0;
      float mean = 0;
      t_.walk_classes(
          [&](int c) {
            const Prediction x = Prediction::of_probability(t_.scaled(t_.prediction(c, i), scale, low));
            const float y = t_.label(c, i);
            mean = fmaf(x.p, slope_of(c, i, x, y), mean) - pull_of(c, x, y);
          },
          [&] {
            all += mean;
            mean = 0;
          });
      t_.partial(team.part, i) = all;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < t_.count; i += kRegionThreads) t_.mean(i) = static_cast<float>(t_.sum(i));
    __syncthreads();
    replace([this](int i) {
      return [this, i, weight = t_.weight(i), scale = t_.scale(i), low = t_.scale_low(i), mean = t_.mean(i)](int c,
                                                                                                             float e) {
        const Prediction x = Prediction::of_probability(t_.scaled(e, scale, low));
        const float y = t_.label(c, i);
        return weight * (x.p * (slope_of(c, i, x, y) - mean) - pull_of(c, x, y));
      };
    });
  }

  __device__ void each_for_itself() {
    load_plane<4>(t_, r_.predictions.template as<const T>(), t_.predictions(), [](float z) { return z; });
    __syncthreads();
    const bool sigmoid = pass_.activation == Activation::kSigmoid;
    replace([this, sigmoid](int i) {
      return [this, sigmoid, i, weight = t_.weight(i)](int c, float z) {
        const float y = t_.label(c, i);
        if (!sigmoid) return weight * slope_of(c, i, Prediction::of_probability(z), y);
        const Prediction x = Prediction::of_sigmoid(z);
        float value = slope_of(c, i, x, y) * (x.p * x.rest);
        if (pass_.terms) {
          value += math::SigmoidTerms<ScalarTerm>::of(z, y, pass_.focal, factors_.cross_entropy, factors_.focal).slope;
        }
        return weight * value;
      };
    });
  }

  __device__ float slope_of(int c, int i, const Prediction& x, float y) const {
    const CellSlopes s = slopes_[c];
    const float slope =
        math::slope_of<ScalarTerm>({s.a, s.b, s.c, s.d}, pass_.transform, pass_.transform_parameter, x, y);
    return pass_.planes.predictions ? slope + slope_of_plane(c, i) : slope;
  }

  __device__ float slope_of_plane(int c, int i) const {
    const RegionPlanes& p = pass_.planes;
    if (c < r_.first_class) return 0;
    return p.predictions[t_.image * p.image_stride + (c - r_.first_class) * p.class_stride + t_.first + i];
  }

  /// y v of a class: what its own terms pull at the pixel.
  __device__ float pull_of(int c, const Prediction& x, float y) const {
    if (!pass_.terms || y == 0) return 0;
    float v = factors_.cross_entropy;
    if (pass_.focal.on) {
      constexpr float kLeast = 0x1p-100f;
      const float minus_log_p = -math::log_normal<ScalarTerm>(ScalarTerm::max(kLeast, x.p));
      const auto term = math::focal_term<ScalarTerm>(x.p, x.rest, minus_log_p, pass_.focal.gamma_positive);
      v += factors_.focal * pass_.focal.of_class(c) * term.weight;
    }
    return y * v;
  }

  const RegionPass& pass_;
  const RegionsRequest& r_;
  RegionTile<Variant> t_;
  const CellSlopes* slopes_ = nullptr;
  PixelFactors factors_ = {};
};

template <class Variant>
__global__ void __launch_bounds__(kRegionThreads, Variant::kResidentBlocks)
    region_gradient_kernel(const RegionPass pass) {
  RegionGradientPass<Variant>(pass).run();
}

template <class T>
cudaError_t start_region_gradient(const RegionPass& pass, cudaStream_t stream) {
  return with_variant<T>(pass.gradient_path(), pass.shape.channels_first, [&]<class Variant>(Variant) {
    return launch(region_gradient_kernel<Variant>, pass.tiling.blocks, kRegionThreads, pass.tiling.shared_bytes, stream,
                  pass);
  });
}

}  // namespace cutloss::cuda
