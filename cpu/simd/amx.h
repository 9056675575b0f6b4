// AMX with AMX-BF16, on top of AVX512-BF16: registers that hold a square of 16 lines of 16 words, and an instruction
// that multiplies two of them, pair by pair (subnormals become zero). The eight registers are four squares of sums, two
// of lines and two of the panel that these are multiplied with.
#pragma once

#include "cpu/simd/avx512bf16.h"

namespace cutloss::cpu {

struct Amx : Avx512Bf16 {
  static constexpr int kSide = 16;  // of a square

  /// The registers are there from enter() to leave(). Nobody else's thread is left with them: they are most of what is
  /// saved when it is interrupted.
  CUTLOSS_INLINE void enter() {
    struct alignas(64) Shapes {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};  // of a line
      uint8_t lines[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static constexpr Shapes kShapes;
    _tile_loadconfig(&kShapes);
  }
  CUTLOSS_INLINE void leave() { _tile_release(); }

  CUTLOSS_INLINE void clear_sums() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }

  /// Two squares of lines, one below the other, times two squares of the panel, side by side. Strides in words.
  CUTLOSS_INLINE void multiply_squares(const float* upper, const float* lower, int64_t stride, const float* panel,
                                       int64_t panel_stride) {
    _tile_loadd(4, upper, 4 * stride);
    _tile_loadd(6, panel, 4 * panel_stride);
    _tile_loadd(7, panel + kSide, 4 * panel_stride);
    _tile_loadd(5, lower, 4 * stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }

  CUTLOSS_INLINE void store_sums(float* upper, float* lower, int64_t stride) {
    _tile_stored(0, upper, 4 * stride);
    _tile_stored(1, upper + kSide, 4 * stride);
    _tile_stored(2, lower, 4 * stride);
    _tile_stored(3, lower + kSide, 4 * stride);
  }

  /// Between what other instructions write and loads into these registers, either way: GCC 12 does not know that
  /// _tile_loadd() reads memory.
  CUTLOSS_INLINE void order_memory() { asm volatile("" ::: "memory"); }
};

}  // namespace cutloss::cpu
