// A place in the source. Every device function takes the place of its call as a defaulted last argument, so that
// reports name lines of the kernel. Lines alone would confuse two barriers on one line; columns tell them apart.
#pragma once
#include <source_location>
#include <string>

namespace cutloss::emulated {

using Where = std::source_location;

bool same_place(const Where& a, const Where& b);
std::string describe(const Where& where);

// The source lines behind an address in machine code, as far as debug information and addr2line can tell.
std::string describe_code(const void* address);

}  // namespace cutloss::emulated
