// Sites are kept in one word: a place in the source is a pointer to static data, marked by the highest bit.
#include "cuda/emulated/runtime/race_log.h"

#include <bit>

namespace cutloss::emulated {

static_assert(sizeof(Where) == sizeof(uintptr_t), "a std::source_location is one pointer");

Site::Site(Where where) : bits_(std::bit_cast<uintptr_t>(where) | kIsWhere) {}

std::string Site::text() const {
  if (bits_ & kIsWhere) return describe(std::bit_cast<Where>(bits_ & ~kIsWhere));
  return describe_code(reinterpret_cast<const void*>(bits_));
}

}  // namespace cutloss::emulated
