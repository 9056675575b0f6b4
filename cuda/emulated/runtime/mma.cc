// The fragment layouts, written as in the PTX manual: "group" is lane / 4, "member" is lane % 4.
#include "cuda/emulated/runtime/mma.h"

#include <cstring>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/tensor_flops.h"

namespace cutloss::emulated {
namespace {

struct LoadOperands {
  uint32_t* registers;
  const void* row;
  int count;
  bool transpose;
};

void load_tiles(const Lanes& lanes) {
  Block& block = *current_block;
  const LoadOperands& first = lanes.at<LoadOperands>(0);
  for (int tile = 0; tile < first.count; tile++) {
    uint16_t rows[8][8];
    for (int r = 0; r < 8; r++) {
      const Thread& thread = lanes.first[tile * 8 + r];
      const void* row = lanes.at<LoadOperands>(tile * 8 + r).row;
      block.shared.check(row, 16, 16, "a row of ldmatrix", lanes.where);
      if (block.race) block.race->access(thread, block.shared.offset(row), 16, Access::kRead, lanes.where);
      memcpy(rows[r], row, 16);
    }
    for (int lane = 0; lane < 32; lane++) {
      const int group = lane / 4, pair = lane % 4 * 2;
      const uint16_t low = first.transpose ? rows[pair][group] : rows[group][pair];
      const uint16_t high = first.transpose ? rows[pair + 1][group] : rows[group][pair + 1];
      lanes.at<LoadOperands>(lane).registers[tile] = uint32_t{high} << 16 | low;
    }
  }
}

struct MmaOperands {
  float* d;
  const uint32_t *a, *b;
};

float low_half(Format format, uint32_t x) {
  const auto half = static_cast<uint16_t>(x);
  return format == Format::kBf16 ? bf16_to_float(half) : f16_to_float(half);
}

float high_half(Format format, uint32_t x) { return low_half(format, x >> 16); }

// The accumulator of every mma of this shape: rows group and group + 8, columns 2 member and 2 member + 1.
void gather(const Lanes& lanes, float (&d)[16][8]) {
  for (int lane = 0; lane < 32; lane++) {
    const int group = lane / 4, column = lane % 4 * 2;
    const float* mine = lanes.at<MmaOperands>(lane).d;
    d[group][column] = mine[0];
    d[group][column + 1] = mine[1];
    d[group + 8][column] = mine[2];
    d[group + 8][column + 1] = mine[3];
  }
}

void scatter(const Lanes& lanes, const float (&d)[16][8]) {
  for (int lane = 0; lane < 32; lane++) {
    const int group = lane / 4, column = lane % 4 * 2;
    float* mine = lanes.at<MmaOperands>(lane).d;
    mine[0] = d[group][column];
    mine[1] = d[group][column + 1];
    mine[2] = d[group + 8][column];
    mine[3] = d[group + 8][column + 1];
  }
}

template <int kDepth>
void multiply(const float (&a)[16][kDepth], const float (&b)[kDepth][8], float (&d)[16][8]) {
  using Row = float __attribute__((vector_size(32)));
  count_products(16, 8, kDepth);
  for (int i = 0; i < 16; i++) {
    Row sum;
    memcpy(&sum, d[i], sizeof sum);
    for (int k = 0; k < kDepth; k++) {
      Row row;
      memcpy(&row, b[k], sizeof row);
      sum += a[i][k] * row;
    }
    memcpy(d[i], &sum, sizeof sum);
  }
}

template <Format kFormat>
void multiply_halves(const Lanes& lanes) {
  float a[16][16], b[16][8], d[16][8];
  gather(lanes, d);
  for (int lane = 0; lane < 32; lane++) {
    const int group = lane / 4, pair = lane % 4 * 2;
    const MmaOperands& mine = lanes.at<MmaOperands>(lane);
    for (int i = 0; i < 4; i++) {
      const int row = group + i % 2 * 8, k = pair + i / 2 * 8;
      a[row][k] = low_half(kFormat, mine.a[i]);
      a[row][k + 1] = high_half(kFormat, mine.a[i]);
    }
    for (int i = 0; i < 2; i++) {
      b[pair + i * 8][group] = low_half(kFormat, mine.b[i]);
      b[pair + i * 8 + 1][group] = high_half(kFormat, mine.b[i]);
    }
  }
  multiply(a, b, d);
  scatter(lanes, d);
}

void multiply_tf32(const Lanes& lanes) {
  float a[16][8], b[8][8], d[16][8];
  gather(lanes, d);
  for (int lane = 0; lane < 32; lane++) {
    const int group = lane / 4, member = lane % 4;
    const MmaOperands& mine = lanes.at<MmaOperands>(lane);
    for (int i = 0; i < 4; i++) a[group + i % 2 * 8][member + i / 2 * 4] = tf32_to_float(mine.a[i]);
    for (int i = 0; i < 2; i++) b[member + i * 4][group] = tf32_to_float(mine.b[i]);
  }
  multiply(a, b, d);
  scatter(lanes, d);
}

}  // namespace

void load_matrix(uint32_t* registers, const void* row, int count, bool transpose, Where where) {
  LoadOperands mine{registers, row, count, transpose};
  together_aligned(WarpOperation::kLoadMatrix, &mine, load_tiles, where);
}

void mma_m16n8k16(Format format, float* d, const uint32_t* a, const uint32_t* b, Where where) {
  MmaOperands mine{d, a, b};
  together_aligned(WarpOperation::kMma, &mine,
                   format == Format::kBf16 ? multiply_halves<Format::kBf16> : multiply_halves<Format::kF16>, where);
}

void mma_m16n8k8_tf32(float* d, const uint32_t* a, const uint32_t* b, Where where) {
  MmaOperands mine{d, a, b};
  together_aligned(WarpOperation::kMma, &mine, multiply_tf32, where);
}

}  // namespace cutloss::emulated
