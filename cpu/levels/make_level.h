// Every kernel, instantiated for one level. Included by that level's translation unit only.
#pragma once

#include <type_traits>

#include "cpu/cut_rows/micro_kernel.h"
#include "cpu/cut_rows/panels.h"
#include "cpu/cut_rows/tile_gradient.h"
#include "cpu/cut_rows/tile_statistics.h"
#include "cpu/levels/levels.h"
#include "cpu/regions/gradient_sweep.h"
#include "cpu/regions/moment_sweep.h"
#include "cpu/regions/plane_sweep.h"
#include "cpu/rows/general_sweeps.h"
#include "cpu/rows/plain_sweeps.h"
#include "cpu/rows/scalar_access.h"

namespace cutloss::cpu {

template <class V, class T>
constexpr RowSweeps row_sweeps() {
  using Plain = PlainRow<V, T>;
  using General = GeneralRowSweep<V, T>;
  using Access = ScalarAccess<V, T>;
  return {{Plain::statistics, Plain::gradient},
          {General::statistics, General::gradient, General::element},
          Access::element,
          Access::argmax};
}

template <class V>
constexpr RowKernels row_kernels() {
  return {{row_sweeps<V, float>(), row_sweeps<V, Half>(), row_sweeps<V, BFloat16>()}};
}

/// Whether the level multiplies pairs of this storage without widening them.
template <class V, class T>
constexpr bool multiplies_pairs() {
  return std::is_same_v<T, BFloat16> &&
         requires(typename V::I word, typename V::F sum) { V::multiply_add_pairs(word, word, sum); };
}

template <class V>
struct SquareProduct;  // for a level whose registers are squares, which includes it

/// How the level multiplies words of this storage.
template <class V, class T>
struct ProductOf {
  static constexpr auto choose() {
    if constexpr (!multiplies_pairs<V, T>()) {
      return TileProduct<V, FloatWords<V>>{};
    } else if constexpr (requires { V::kSide; }) {
      return SquareProduct<V>{};
    } else {
      return TileProduct<V, PairWords<V>>{};
    }
  }
  using type = decltype(choose());
};

template <class V, class T>
constexpr CutKernels cut_kernels() {
  using Product = typename ProductOf<V, T>::type;
  constexpr WordGroups kGroups = Product::kGroups;
  using P = Panels<V, T, kGroups.pairs, kGroups.size>;
  return {P::kPanel,
          Product::kRows,
          kGroups,
          Product::enter,
          Product::leave,
          Product::multiply,
          TileStatistics<V>::absorb,
          TileGradient<V, kGroups.pairs, kGroups.size>::differentiate,
          P::turn,
          P::strip,
          P::widen,
          P::narrow,
          P::add_scaled,
          P::dot};
}

template <class V>
constexpr CutRowKernels cut_row_kernels() {
  return {{cut_kernels<V, float>(), cut_kernels<V, Half>(), cut_kernels<V, BFloat16>()}};
}

template <class V, class T>
constexpr RegionSweeps region_sweeps() {
  return {RegionMomentSweep<V, T>::run, PlaneSweep<V, T>::run, RegionGradientSweep<V, T>::run};
}

template <class V>
constexpr RegionKernels region_kernels() {
  return {{region_sweeps<V, float>(), region_sweeps<V, Half>(), region_sweeps<V, BFloat16>()}};
}

}  // namespace cutloss::cpu
