// Turns places, in source or in machine code, into text.
#include "cuda/emulated/runtime/where.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

namespace cutloss::emulated {

bool same_place(const Where& a, const Where& b) {
  static_assert(sizeof(Where) == sizeof(void*), "a std::source_location is a pointer to static data");
  if (memcmp(&a, &b, sizeof a) == 0) return true;
  return a.line() == b.line() && a.column() == b.column() && strcmp(a.file_name(), b.file_name()) == 0;
}

std::string describe(const Where& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line()) + ":" + std::to_string(where.column());
}

std::string describe_code(const void* address) {
  char fallback[32];
  snprintf(fallback, sizeof fallback, "code at %p", address);
  Dl_info module;
  if (!dladdr(address, &module) || !module.dli_fname) return fallback;
  // A return address points behind the call: one byte earlier is inside it.
  const size_t offset = static_cast<const char*>(address) - static_cast<const char*>(module.dli_fbase) - 1;
  char command[1024];
  snprintf(command, sizeof command, "addr2line -Cfpie '%s' 0x%zx 2>/dev/null", module.dli_fname, offset);
  FILE* pipe = popen(command, "r");
  if (!pipe) return fallback;
  // With inlining there are several lines, innermost first; wrappers and the emulator's own headers are not news.
  std::string found;
  char line[1024];
  while (fgets(line, sizeof line, pipe)) {
    line[strcspn(line, "\n")] = 0;
    if (char* remark = strstr(line, " (discriminator")) *remark = 0;
    const char* text = strncmp(line, " (inlined by) ", 14) == 0 ? line + 14 : line;
    if (strstr(text, "??")) continue;
    found = text;
    if (!strstr(text, "/cuda/emulated/language/") && !strstr(text, "/cuda/ptx/")) break;
  }
  pclose(pipe);
  return found.empty() ? fallback : found;
}

}  // namespace cutloss::emulated
