// Descriptors are decoded as the device does, and the swizzle is applied to real addresses, so a wrong descriptor
// reads wrong numbers or leaves shared memory.
#include "cuda/emulated/runtime/wgmma.h"

#include <cstring>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/report.h"
#include "cuda/emulated/runtime/swizzle.h"
#include "cuda/emulated/runtime/tensor_flops.h"

namespace cutloss::emulated {

struct Wgmma {
  WgmmaKind kind;
  uint64_t a, b;
  uint32_t a_registers[32][4];
  bool accumulate;
  float* d[32];
  int group;
  bool done;
  Where where;
};

namespace {

constexpr int kRows = 16;   // of a warp
constexpr int kDepth = 16;  // of an instruction
constexpr int kMaxColumns = 256;
constexpr int kPiece = 8;  // numbers in 16 bytes
constexpr int kSwizzleBits = 3;

// A matrix in shared memory, in units of bytes.
struct Descriptor {
  uint32_t address, leading, stride;
};

Descriptor decode(uint64_t bits, Where where) {
  if (bits >> 62 != 1) fail("the emulator knows wgmma descriptors with the 128-byte swizzle only", where);
  if (bits >> 49 & 7) fail("the emulator knows wgmma descriptors with base offset 0 only", where);
  const auto field = [bits](int shift) { return static_cast<uint32_t>(bits >> shift & 0x3fff) << 4; };
  return {field(0), field(16), field(32)};
}

// Calls visit(pointer, row, k) for the 16-byte pieces of rows [begin, end): 8 numbers along k, or along the rows if
// the matrix is MN-major. Where a number lies (CuTe's canonical layouts, before the swizzle):
//   K-major:  row / 8 * stride + row % 8 * 128 + k * 2
//   MN-major: row / 64 * leading + row % 64 * 2 + k / 8 * stride + k % 8 * 128
template <class Visit>
void for_each_piece(uint64_t bits, bool mn_major, int begin, int end, Where where, Visit visit) {
  const Descriptor matrix = decode(bits, where);
  const auto at = [&](uint32_t offset) {
    std::byte* p = shared_pointer(static_cast<uint32_t>(swizzle(matrix.address + offset, kSwizzleBits)));
    current_block->shared.check(p, 16, 16, "an operand of wgmma", where);
    return p;
  };
  if (mn_major) {
    for (int row = begin; row < end; row += kPiece)
      for (int k = 0; k < kDepth; k++)
        visit(at(row / 64 * matrix.leading + row % 64 * 2 + k / 8 * matrix.stride + k % 8 * 128), row, k);
  } else {
    for (int row = begin; row < end; row++)
      for (int k = 0; k < kDepth; k += kPiece) visit(at(row / 8 * matrix.stride + row % 8 * 128 + k * 2), row, k);
  }
}

template <class Visit>
void for_each_piece(const Wgmma& op, int warp, Visit visit) {
  const int row0 = warp % 4 * kRows;
  if (!op.kind.a_in_registers) for_each_piece(op.a, op.kind.a_is_mn_major, row0, row0 + kRows, op.where, visit);
  for_each_piece(op.b, op.kind.b_is_mn_major, 0, op.kind.columns, op.where, visit);
}

float number(Format format, const std::byte* piece, int i) {
  uint16_t half;
  memcpy(&half, piece + i * 2, 2);
  return format == Format::kBf16 ? bf16_to_float(half) : f16_to_float(half);
}

void unpack_registers(const Wgmma& op, float (&a)[kRows][kDepth]) {
  for (int lane = 0; lane < 32; lane++) {
    const int group = lane / 4, pair = lane % 4 * 2;
    for (int i = 0; i < 4; i++) {
      const auto* halves = reinterpret_cast<const std::byte*>(&op.a_registers[lane][i]);
      for (int h = 0; h < 2; h++) a[group + i % 2 * 8][pair + i / 2 * 8 + h] = number(op.kind.format, halves, h);
    }
  }
}

// What a warp multiplies, unpacked.
struct Matrices {
  float a[kRows][kDepth], b[kDepth][kMaxColumns], d[kRows][kMaxColumns];
};

// Row and column of number i of a lane's accumulators.
int accumulator_row(int lane, int i) { return lane / 4 + i / 2 % 2 * 8; }
int accumulator_column(int lane, int i) { return i / 4 * 8 + lane % 4 * 2 + i % 2; }

void perform(Wgmma& op, int warp) {
  if (op.done) return;
  op.done = true;
  // Too large for the stack of a thread, and for the thread-local storage of a shared library.
  static thread_local const std::unique_ptr<Matrices> matrices = std::make_unique<Matrices>();
  auto& [a, b, d] = *matrices;
  const int columns = op.kind.columns, row0 = warp % 4 * kRows;
  count_products(kRows, columns, kDepth);
  const Format format = op.kind.format;
  if (op.kind.a_in_registers) {
    unpack_registers(op, a);
  } else {
    for_each_piece(op.a, op.kind.a_is_mn_major, row0, row0 + kRows, op.where, [&](const std::byte* p, int row, int k) {
      for (int i = 0; i < kPiece; i++)
        (op.kind.a_is_mn_major ? a[row - row0 + i][k] : a[row - row0][k + i]) = number(format, p, i);
    });
  }
  for_each_piece(op.b, op.kind.b_is_mn_major, 0, columns, op.where, [&](const std::byte* p, int column, int k) {
    for (int i = 0; i < kPiece; i++)
      (op.kind.b_is_mn_major ? b[k][column + i] : b[k + i][column]) = number(format, p, i);
  });
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < columns / 2; i++)
      d[accumulator_row(lane, i)][accumulator_column(lane, i)] = op.accumulate ? op.d[lane][i] : 0.f;
  for (int row = 0; row < kRows; row++)
    for (int k = 0; k < kDepth; k++)
      for (int column = 0; column < columns; column++) d[row][column] += a[row][k] * b[k][column];
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < columns / 2; i++) op.d[lane][i] = d[accumulator_row(lane, i)][accumulator_column(lane, i)];
}

struct Operands {
  const WgmmaKind* kind;
  float* d;
  const uint32_t* a_registers;
  uint64_t a, b;
  bool accumulate;
};

Warp& warp_of(const Lanes& lanes) { return current_block->warps[static_cast<size_t>(lanes.first->warp)]; }

void begin(const Lanes& lanes) {
  Warp& warp = warp_of(lanes);
  const Operands& first = lanes.at<Operands>(0);
  if (!warp.wgmma_fenced) fail("wgmma without a wgmma.fence since the last wait", lanes.where);
  auto op = std::make_shared<Wgmma>();
  op->kind = *first.kind;
  op->a = first.a;
  op->b = first.b;
  op->accumulate = first.accumulate;
  op->group = warp.wgmma_group;
  op->done = false;
  op->where = lanes.where;
  for (int lane = 0; lane < 32; lane++) {
    const Operands& mine = lanes.at<Operands>(lane);
    if (mine.a != op->a || mine.b != op->b || mine.accumulate != op->accumulate)
      fail("the lanes of a warp give wgmma different descriptors", lanes.where);
    op->d[lane] = mine.d;
    if (op->kind.a_in_registers) memcpy(op->a_registers[lane], mine.a_registers, sizeof op->a_registers[lane]);
  }
  Block& block = *current_block;
  if (block.race)
    for_each_piece(*op, lanes.first->warp, [&](const std::byte* p, int, int) {
      block.race->begin_wgmma_read(*lanes.first, block.shared.offset(p), lanes.where);
    });
  warp.wgmmas.push_back(op);
  warp.wgmma_digest =
      (warp.wgmma_digest ^ (op->a * 31 + op->b * 7 + static_cast<uint64_t>(op->kind.columns))) * 0x9E3779B97F4A7C15ull;
  // Those that started earlier come first.
  if (block.schedule.copy_now())
    for (auto& earlier : warp.wgmmas) perform(*earlier, lanes.first->warp);
}

void finish_groups_before(const Lanes& lanes, int group) {
  Block& block = *current_block;
  Warp& warp = warp_of(lanes);
  std::erase_if(warp.wgmmas, [&](const std::shared_ptr<Wgmma>& op) {
    if (op->group >= group) return false;
    perform(*op, lanes.first->warp);
    if (block.race)
      for_each_piece(*op, lanes.first->warp, [&](const std::byte* p, int, int) {
        block.race->end_wgmma_read(*lanes.first, block.shared.offset(p));
      });
    return true;
  });
  if (!block.race) return;
  Thread* threads[32];
  for (int lane = 0; lane < 32; lane++) threads[lane] = lanes.first + lane;
  block.race->end_wgmma_group(threads);
}

}  // namespace

void wgmma_fence(Where where) {
  together_aligned(
      WarpOperation::kWgmmaFence, nullptr, [](const Lanes& lanes) { warp_of(lanes).wgmma_fenced = true; }, where);
}

void wgmma(const WgmmaKind& kind, float* d, const uint32_t* a_registers, uint64_t a, uint64_t b, bool accumulate,
           Where where) {
  Operands mine{&kind, d, a_registers, a, b, accumulate};
  together_aligned(WarpOperation::kWgmma, &mine, begin, where);
}

void wgmma_commit(Where where) {
  together_aligned(
      WarpOperation::kWgmmaCommit, nullptr, [](const Lanes& lanes) { warp_of(lanes).wgmma_group++; }, where);
}

void wgmma_wait(int pending, Where where) {
  const auto wait = [](const Lanes& lanes) {
    Warp& warp = warp_of(lanes);
    finish_groups_before(lanes, warp.wgmma_group - lanes.at<int>(0));
    warp.wgmma_fenced = false;
  };
  together_aligned(WarpOperation::kWgmmaWait, &pending, wait, where);
}

void check_wgmma_at_exit(const Thread& me) {
  Block& block = *current_block;
  if (!block.warps[static_cast<size_t>(me.warp)].wgmmas.empty())
    fail("a warp exits before its wgmma has been waited for");
  const int first_of_block = me.rank * block.threads_per_block() / 32;
  const int first = first_of_block + (me.warp - first_of_block) / 4 * 4;
  uint64_t digest = block.warps[static_cast<size_t>(first)].wgmma_digest;
  for (int warp = first; warp < first + 4 && warp < static_cast<int>(block.warps.size()); warp++) {
    const Warp& other = block.warps[static_cast<size_t>(warp)];
    if (other.live != 0) return;  // the last thread of the warpgroup looks
    if (other.wgmma_digest != digest) fail("the four warps of a warpgroup have executed different wgmmas");
  }
}

bool is_wgmma_accumulator(const Thread& thread, const void* address) {
  const auto* p = static_cast<const float*>(address);
  for (const auto& op : current_block->warps[static_cast<size_t>(thread.warp)].wgmmas)
    if (p >= op->d[thread.lane] && p < op->d[thread.lane] + op->kind.columns / 2) return true;
  return false;
}

void wgmma_check_registers(const float* d, Where where) {
  if (is_wgmma_accumulator(*current_thread, d))
    fail("accumulators are used while a wgmma that writes them has not been waited for", where);
}

}  // namespace cutloss::emulated
