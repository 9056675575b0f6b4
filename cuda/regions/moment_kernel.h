// The first pass, for one storage type: moments of every class, and the values of the pixels' own terms. A thread adds
// up a class over the pixels of a tile in float, and in double from tile to tile; a block leaves what its threads have,
// added up in their order.
#pragma once

#include "cuda/regions/tile_softmax.h"

namespace cutloss::cuda {

template <class Variant>
class RegionMomentPass {
 public:
  __device__ explicit RegionMomentPass(const RegionPass& pass) : pass_(pass), r_(pass.request), t_(pass) {}

  __device__ void run() {
    for (int k = threadIdx.x; k < pass_.tiling.sums_size; k += kRegionThreads) t_.class_sums()[k] = 0;
    const RegionTiling& tiling = pass_.tiling;
    const bool apart = pass_.shape.tells_images_apart;
    for (int64_t unit = blockIdx.x; unit < tiling.units(pass_.shape); unit += gridDim.x) {
      const int64_t image = unit / tiling.stretches, stretch = unit % tiling.stretches;
      const int64_t end = tiling.first_tile(stretch + 1);
      for (int64_t tile = tiling.first_tile(stretch); tile < end; ++tile) {
        t_.move_to(image, tile);
        add_tile();
        __syncthreads();
      }
      if (apart) leave(unit);
    }
    if (!apart) leave(blockIdx.x);
  }

 private:
  using T = typename Variant::T;
  using Prediction = math::Prediction<ScalarTerm>;

  __device__ void add_tile() {
    t_.load_pixels([this](int64_t pixel) { atomicMin(pass_.first_bad, static_cast<unsigned long long>(pixel)); });
    load_labels(t_);
    if constexpr (Variant::kPath == RegionPath::kEach) {
      each_for_itself();
    } else {
      softmax();
    }
  }

  __device__ void softmax() {
    TileSoftmax<Variant, ExactTerm> softmax(t_);
    softmax.load();
    softmax.run(NoSlopes{}, [this](int i, const PixelExponentials& x) {
      const float weight = t_.weight(i);
      weight_ += weight;
      if (weight == 0) return;
      t_.set_scale(i, Variant::kPlain ? weight : 1, x.sum);
      if (pass_.terms && !t_.has_labels()) add_terms_of_target(i, x);
    });
    if constexpr (Variant::kPlain) {
      add_plain();
    } else {
      if (pass_.terms && t_.has_labels()) add_terms_of_labels();
      add_general([](float e, float scale, float low) {
        return Prediction::of_probability(RegionTile<Variant>::scaled(e, scale, low));
      });
    }
  }

  __device__ void each_for_itself() {
    load_plane<4>(t_, r_.predictions.template as<const T>(), t_.predictions(), [](float z) { return z; });
    __syncthreads();
    for (int i = threadIdx.x; i < t_.count; i += kRegionThreads) weight_ += t_.weight(i);
    if (pass_.terms) add_terms_of_sigmoids();
    const bool sigmoid = pass_.activation == Activation::kSigmoid;
    add_general([sigmoid](float z, float, float) {
      return sigmoid ? Prediction::of_sigmoid(z) : Prediction::of_probability(z);
    });
  }

  /// add(c, i, sums) for each class that is this thread's, and its pixels from i on, four at a time.
  template <int kSums, class Add>
  __device__ void for_own_classes(const Add& add) {
    const int parts = pass_.tiling.parts, all = parts * t_.classes;
    for (int u = threadIdx.x; u < all; u += kRegionThreads) {
      const int part = u / t_.classes, c = u - part * t_.classes;
      if (c < r_.first_class) continue;
      float sums[kSums] = {};
      for (int i = 4 * part; i < t_.count; i += 4 * parts) add(c, i, sums);
#pragma unroll
      for (int k = 0; k < kSums; ++k) {
        if (k < pass_.shape.class_sums) t_.class_sums()[k * all + u] += sums[k];
      }
    }
  }

  __device__ void add_plain() {
    for_own_classes<3>([&](int c, int i, float(&sums)[3]) {
      float e[4], scale[4], low[4], weight[4];
      int32_t id[4];
      t_.read_four_of(t_.predictions(), c, i, e);
      read_four(&t_.scale(i), scale);
      read_four(&t_.scale_low(i), low);
      read_four(&t_.weight(i), weight);
      read_four(&t_.id(i), id);
      float both[4], targets[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        e[k] = t_.scaled(e[k], scale[k], low[k]);
        both[k] = id[k] == c ? e[k] : 0;
        targets[k] = id[k] == c ? weight[k] : 0;
      }
      sums[0] += (both[0] + both[1]) + (both[2] + both[3]);
      sums[1] += (e[0] + e[1]) + (e[2] + e[3]);
      sums[2] += (targets[0] + targets[1]) + (targets[2] + targets[3]);
    });
  }

  template <class Predicted>
  __device__ void add_general(const Predicted& predicted) {
    const bool squares = pass_.shape.class_sums == kMostClassSums;
    for_own_classes<kMostClassSums>([&](int c, int i, float(&sums)[kMostClassSums]) {
      float e[4], scale[4], low[4], weight[4], y[4];
      t_.read_four_of(t_.predictions(), c, i, e);
      read_four(&t_.scale(i), scale);
      read_four(&t_.scale_low(i), low);
      read_four(&t_.weight(i), weight);
      if (t_.has_labels()) {
        t_.read_four_of(t_.labels(), c, i, y);
      } else {
        int32_t id[4];
        read_four(&t_.id(i), id);
#pragma unroll
        for (int k = 0; k < 4; ++k) y[k] = id[k] == c;
      }
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if (weight[k] == 0) continue;
        const Prediction x = predicted(e[k], scale[k], low[k]);
        const float q =
            math::transform_prediction<ScalarTerm>(pass_.transform, x.p, x.rest, pass_.transform_parameter).value;
        sums[0] += weight[k] * q * y[k];
        sums[1] += weight[k] * q;
        sums[2] += weight[k] * y[k];
        if (!squares) continue;
        sums[3] += weight[k] * q * q;
        sums[4] += weight[k] * y[k] * y[k];
        sums[5] += weight[k] * (y[k] < q ? y[k] : q);  // q where that is not a number
      }
    });
  }

  __device__ void add_terms_of_target(int i, const PixelExponentials& x) {
    cross_entropy_ += t_.weight(i) * x.minus_log_p();
    if (pass_.focal.on) focal_ += t_.weight(i) * pass_.focal.of_class(t_.id(i)) * x.focal(pass_.focal).value;
  }

  /// Of labels that every class may have a share in.
  __device__ void add_terms_of_labels() {
    constexpr float kLeast = 0x1p-100f;
    const T* logits = r_.predictions.template as<const T>();
    const PixelTeam& team = t_.team;
    for (int i = team.first; i < t_.count; i += team.step) {
      const float weight = t_.weight(i), scale = t_.scale(i), low = t_.scale_low(i);
      if (weight == 0) continue;
      for (int c = team.part; c < t_.classes; c += team.parts) {
        const float y = t_.label(c, i);
        if (y == 0) continue;
        const Prediction x = Prediction::of_probability(t_.scaled(t_.prediction(c, i), scale, low));
        // from the logits themselves where p vanishes
        const float minus_log_p =
            x.p >= kLeast ? -math::log_normal<ScalarTerm>(x.p)
                          : t_.most(i) - math::widen(logits[t_.offset(c, i)]) - math::log_normal<ScalarTerm>(scale);
        cross_entropy_ += weight * y * minus_log_p;
        if (!pass_.focal.on) continue;
        const auto term = math::focal_term<ScalarTerm>(x.p, x.rest, minus_log_p, pass_.focal.gamma_positive);
        focal_ += weight * pass_.focal.of_class(c) * y * term.value;
      }
    }
  }

  __device__ void add_terms_of_sigmoids() {
    const PixelTeam& team = t_.team;
    for (int i = team.first; i < t_.count; i += team.step) {
      const float weight = t_.weight(i);
      if (weight == 0) continue;
      for (int c = team.part; c < t_.classes; c += team.parts) {
        const auto terms = math::SigmoidTerms<ScalarTerm>::of(t_.prediction(c, i), t_.label(c, i), pass_.focal, 0, 0);
        cross_entropy_ += weight * terms.cross_entropy;
        focal_ += weight * terms.focal;
      }
    }
  }

  /// Writes a row of sums, and begins anew.
  __device__ void leave(int64_t row) {
    __syncthreads();
    double* to = pass_.sums + row * pass_.sum_row_size();
    const int parts = pass_.tiling.parts, count = pass_.shape.class_sums * t_.classes;
    for (int u = threadIdx.x; u < count; u += kRegionThreads) {
      const int k = u / t_.classes, c = u - k * t_.classes;
      double sum = 0;
      for (int part = 0; part < parts; ++part) {
        double& of_part = t_.class_sums()[(k * parts + part) * t_.classes + c];
        sum += of_part;
        of_part = 0;
      }
      to[u] = sum;
    }
    leave_pixel_sums(to + count);
    cross_entropy_ = focal_ = weight_ = 0;
  }

  __device__ void leave_pixel_sums(double* to) {
    constexpr int kWarp = 32, kWarps = kRegionThreads / kWarp;
    double of_thread[kPixelSums] = {cross_entropy_, focal_, weight_};
    double* const of_warps = t_.partials();
#pragma unroll
    for (int k = 0; k < kPixelSums; ++k) {
      for (int distance = kWarp / 2; distance > 0; distance /= 2) {
        of_thread[k] += __shfl_xor_sync(~0u, of_thread[k], distance);
      }
      if (threadIdx.x % kWarp == 0) of_warps[k * kWarps + threadIdx.x / kWarp] = of_thread[k];
    }
    __syncthreads();
    if (threadIdx.x < kPixelSums) {
      double sum = 0;
      for (int warp = 0; warp < kWarps; ++warp) sum += of_warps[threadIdx.x * kWarps + warp];
      to[threadIdx.x] = sum;
    }
    __syncthreads();
  }

  const RegionPass& pass_;
  const RegionsRequest& r_;
  RegionTile<Variant> t_;
  double cross_entropy_ = 0, focal_ = 0, weight_ = 0;
};

template <class Variant>
__global__ void __launch_bounds__(kRegionThreads, Variant::kResidentBlocks)
    region_moment_kernel(const RegionPass pass) {
  RegionMomentPass<Variant>(pass).run();
}

template <class T>
cudaError_t start_region_moments(const RegionPass& pass, cudaStream_t stream) {
  return with_variant<T>(pass.moment_path(), pass.shape.channels_first, [&]<class Variant>(Variant) {
    return launch(region_moment_kernel<Variant>, pass.tiling.blocks, kRegionThreads, pass.tiling.shared_bytes, stream,
                  pass);
  });
}

}  // namespace cutloss::cuda
