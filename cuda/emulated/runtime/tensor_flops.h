// Operations of the tensor cores since the process began, two for a product that is added: for tests of how much work
// a launch does, or leaves out.
#pragma once
#include <atomic>
#include <cstdint>

namespace cutloss::emulated {

inline std::atomic<uint64_t> tensor_flops{0};

inline void count_products(int rows, int columns, int depth) {
  tensor_flops.fetch_add(
      uint64_t{2} * static_cast<uint64_t>(rows) * static_cast<uint64_t>(columns) * static_cast<uint64_t>(depth),
      std::memory_order_relaxed);
}

}  // namespace cutloss::emulated
