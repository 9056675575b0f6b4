// Tiles are copied row by row; a row passes through a buffer, where it is cut into 16-byte pieces.
#include "cuda/emulated/runtime/tma.h"

#include <algorithm>
#include <cstring>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/runtime/mbarrier.h"
#include "cuda/emulated/runtime/number_formats.h"
#include "cuda/emulated/runtime/report.h"
#include "cuda/emulated/runtime/swizzle.h"

namespace cutloss::emulated {
namespace {

constexpr size_t kPiece = 16;
constexpr size_t kMaxRowBytes = 1024;

const TensorMap& checked(const CUtensorMap& map, const void* tile, const char* what, Where where) {
  const TensorMap* mine = decode(map);
  if (!mine) fail("TMA is given something that is not a tensor map", where);
  current_block->shared.check(tile, mine->box_bytes(), swizzle_alignment(mine->swizzle), what, where);
  return *mine;
}

}  // namespace

// One tile: where it is in global memory, and its image in shared memory.
struct TmaTile {
  TensorMap map;
  std::byte* shared;
  int column, row;
  Where where;

  // The part of tile row i that lies in the tensor: its first byte in the row, and how many.
  struct Part {
    std::byte* global;
    size_t begin, bytes;
  };
  Part part(uint32_t i) const {
    const int64_t y = int64_t{row} + i, begin = std::max<int64_t>(column, 0);
    const int64_t end = std::min<int64_t>(int64_t{column} + map.box_columns, static_cast<int64_t>(map.columns));
    if (y < 0 || y >= static_cast<int64_t>(map.rows) || begin >= end) return {nullptr, 0, 0};
    std::byte* global =
        map.base + static_cast<uint64_t>(y) * map.row_bytes + static_cast<uint64_t>(begin) * map.element_bytes;
    const auto bytes = static_cast<size_t>(end - begin) * map.element_bytes;
    device_memory().check_access(global, bytes, 1, "a tile of TMA", where);
    return {global, static_cast<size_t>(begin - column) * map.element_bytes, bytes};
  }

  std::byte* piece(uint32_t i, size_t at) const {
    const uintptr_t address = reinterpret_cast<uintptr_t>(shared) + i * map.box_row_bytes() + at;
    return reinterpret_cast<std::byte*>(swizzle(address, map.swizzle));
  }

  void load() const {
    for (uint32_t i = 0; i < map.box_rows; i++) {
      std::byte bytes[kMaxRowBytes] = {};
      const Part in = part(i);
      if (in.bytes) memcpy(bytes + in.begin, in.global, in.bytes);
      for (size_t at = 0; at < map.box_row_bytes(); at += kPiece) memcpy(piece(i, at), bytes + at, kPiece);
    }
  }

  template <class Write>
  void store(Write write) const {
    for (uint32_t i = 0; i < map.box_rows; i++) {
      std::byte bytes[kMaxRowBytes];
      for (size_t at = 0; at < map.box_row_bytes(); at += kPiece) memcpy(bytes + at, piece(i, at), kPiece);
      const Part out = part(i);
      if (out.bytes) write(out.global, bytes + out.begin, out.bytes);
    }
  }
};

namespace {

class TmaLoad final : public AsyncOperation {
 public:
  TmaLoad(const TmaTile& tile, uint64_t* mbarrier) : AsyncOperation(tile.where), tile_(tile), mbarrier_(mbarrier) {}

  void perform(Block& block) override {
    tile_.load();
    if (block.race)
      block.race->end_load(block.shared.offset(mbarrier_), block.shared.offset(tile_.shared), tile_.map.box_bytes());
    mbarrier_complete_bytes(block, mbarrier_, static_cast<uint32_t>(tile_.map.box_bytes()), tile_.where);
  }

 private:
  TmaTile tile_;
  uint64_t* mbarrier_;
};

void start_load(std::byte* to, const TensorMap& map, uint64_t* mbarrier, int column, int row, Where where) {
  Block& block = *current_block;
  mbarrier_check(mbarrier, where);
  const TmaTile tile{map, to, column, row, where};
  if (block.race)
    block.race->begin_load(*current_thread, block.shared.offset(mbarrier), block.shared.offset(to), map.box_bytes(),
                           where);
  block.start(std::make_shared<TmaLoad>(tile, mbarrier));
}

// Replaces a number in global memory by its sum with another, atomically.
template <class Bits, class Sum>
void add_atomically(std::byte* target, Sum sum) {
  auto* bits = reinterpret_cast<Bits*>(target);
  Bits old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(bits, &old, sum(old), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

template <class Bits>
Bits bits_at(const std::byte* p) {
  Bits bits;
  memcpy(&bits, p, sizeof bits);
  return bits;
}

void add_element(CUtensorMapDataType type, std::byte* target, const std::byte* from) {
  switch (type) {
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT32: {
      const float x = bits_at<float>(from);
      return add_atomically<uint32_t>(
          target, [x](uint32_t old) { return std::bit_cast<uint32_t>(std::bit_cast<float>(old) + x); });
    }
    case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16: {
      const float x = bf16_to_float(bits_at<uint16_t>(from));
      return add_atomically<uint16_t>(target, [x](uint16_t old) { return float_to_bf16(bf16_to_float(old) + x); });
    }
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT16: {
      const float x = f16_to_float(bits_at<uint16_t>(from));
      return add_atomically<uint16_t>(target, [x](uint16_t old) { return float_to_f16(f16_to_float(old) + x); });
    }
    case CU_TENSOR_MAP_DATA_TYPE_INT32:
    case CU_TENSOR_MAP_DATA_TYPE_UINT32: {
      const uint32_t x = bits_at<uint32_t>(from);
      return add_atomically<uint32_t>(target, [x](uint32_t old) { return old + x; });
    }
    default: fail("TMA cannot add numbers of this type");
  }
}

}  // namespace

class TmaStore final : public AsyncOperation {
 public:
  TmaStore(const TmaTile& tile, bool add, int group)
      : AsyncOperation(tile.where), tile_(tile), add_(add), group_(group) {}

  void perform(Block&) override {
    if (done_) return;
    done_ = true;
    tile_.store([this](std::byte* to, const std::byte* from, size_t bytes) {
      if (!add_) return static_cast<void>(memcpy(to, from, bytes));
      for (size_t i = 0; i < bytes; i += tile_.map.element_bytes) add_element(tile_.map.type, to + i, from + i);
    });
  }

  bool is_done() const override { return done_; }
  int group() const { return group_; }
  const TmaTile& tile() const { return tile_; }

 private:
  TmaTile tile_;
  bool add_;
  int group_;
  bool done_ = false;
};

namespace {

void start_store(const CUtensorMap& map, const void* from, int column, int row, bool add, Where where) {
  Block& block = *current_block;
  Thread& me = *current_thread;
  const TensorMap& mine = checked(map, from, "the source of a TMA store", where);
  const TmaTile tile{mine, static_cast<std::byte*>(const_cast<void*>(from)), column, row, where};
  if (block.race) block.race->begin_store(me, block.shared.offset(from), mine.box_bytes(), where);
  me.stores.push_back(std::make_shared<TmaStore>(tile, add, me.bulk_group));
  block.start(me.stores.back());
}

}  // namespace

void tma_load(void* to, const CUtensorMap& map, uint64_t* mbarrier, int column, int row, Where where) {
  const TensorMap& mine = checked(map, to, "the destination of a TMA load", where);
  start_load(static_cast<std::byte*>(to), mine, mbarrier, column, row, where);
}

void tma_load_multicast(void* to, const CUtensorMap& map, uint64_t* mbarrier, int column, int row, uint16_t blocks,
                        Where where) {
  const TensorMap& mine = checked(map, to, "the destination of a TMA load", where);
  const ptrdiff_t offset = static_cast<std::byte*>(to) - shared_begin();
  for (uint32_t rank = 0; rank < 16; rank++) {
    if (!(blocks >> rank & 1)) continue;
    uint64_t* theirs = mbarrier_of_block(mbarrier, rank, where);
    start_load(current_block->shared.begin(static_cast<int>(rank)) + offset, mine, theirs, column, row, where);
  }
}

void tma_store(const CUtensorMap& map, const void* from, int column, int row, Where where) {
  start_store(map, from, column, row, false, where);
}

void tma_reduce_add(const CUtensorMap& map, const void* from, int column, int row, Where where) {
  start_store(map, from, column, row, true, where);
}

void commit_stores(Where) { current_thread->bulk_group++; }

void wait_stores(int pending, Where) {
  Block& block = *current_block;
  Thread& me = *current_thread;
  std::erase_if(me.stores, [&](const std::shared_ptr<TmaStore>& store) {
    if (store->group() >= me.bulk_group - pending) return false;
    store->perform(block);
    if (block.race) block.race->end_store(me, block.shared.offset(store->tile().shared), store->tile().map.box_bytes());
    return true;
  });
}

}  // namespace cutloss::emulated
