#include <atomic>
#include <cstring>
#include <span>

#include "cpu/levels/levels.h"
#include "engine/engine.h"

#ifdef CUTLOSS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cutloss::cpu {
namespace {

struct Candidate {
  const Level* level;
  bool supported;
};

#if defined(CUTLOSS_AMX) && !defined(CUTLOSS_GENERIC_ONLY)
/// Whether there are the registers of AMX, and the kernel lets this process use them. It is asked when levels are first
/// listed or chosen, and for good: from then on it refuses a signal stack too small to save them to, by size about 11
/// KiB, and it refuses the process if a thread has such a one already. What is forked may use them as well; a program
/// that is executed asks again.
bool has_amx() {
  unsigned a, b, c, d, enabled;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  constexpr unsigned kPairs = 1u << 22, kTiles = 1u << 24;
  if ((d & kPairs) == 0 || (d & kTiles) == 0) return false;
  asm("xgetbv" : "=a"(enabled) : "c"(0) : "edx");
  constexpr unsigned kShapes = 1u << 17, kContents = 1u << 18;
  if ((enabled & kShapes) == 0 || (enabled & kContents) == 0) return false;
  constexpr long kRequestPermission = 0x1023, kOfContents = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA
  return syscall(SYS_arch_prctl, kRequestPermission, kOfContents) == 0;
}
#endif

// What this processor has, best first. Asked here, in a file compiled for any processor.
#if defined(__x86_64__) && !defined(CUTLOSS_GENERIC_ONLY)
std::span<const Candidate> candidates() {
#ifdef __clang__
  constexpr bool f16c = true;  // Clang 14 does not know it by name, and every processor with AVX2 has it
#else
  static const bool f16c = __builtin_cpu_supports("f16c");
#endif
  static const bool avx2 = f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  static const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  static const bool avx512bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  static const Candidate list[] = {
#ifdef CUTLOSS_AMX
      {&kAmxLevel, avx512bf16 && has_amx()},
#endif
      {&kAvx512Bf16Level, avx512bf16},
      {&kAvx512Level, avx512},
      {&kAvx2Level, avx2},
      {&kGenericLevel, true}};
  return list;
}
#elif defined(__aarch64__) && !defined(CUTLOSS_GENERIC_ONLY)
std::span<const Candidate> candidates() {
  static const Candidate list[] = {{&kNeonLevel, true}, {&kGenericLevel, true}};
  return list;
}
#else
std::span<const Candidate> candidates() {
  static const Candidate list[] = {{&kGenericLevel, true}};
  return list;
}
#endif

const Level* best_level() {
  for (const Candidate& candidate : candidates()) {
    if (candidate.supported) return candidate.level;
  }
  return &kGenericLevel;
}

std::atomic<const Level*> chosen{nullptr};

}  // namespace

const Level& level() {
  const Level* current = chosen.load(std::memory_order_relaxed);
  if (current) return *current;
  const Level* best = best_level();
  return chosen.compare_exchange_strong(current, best) ? *best : *current;  // set_simd() may have been first
}

}  // namespace cutloss::cpu

namespace cutloss {

int simd_levels(const char* names[8]) noexcept {
  int count = 0;
  for (const cpu::Candidate& candidate : cpu::candidates()) {
    if (candidate.supported) names[count++] = candidate.level->name;
  }
  return count;
}

Status set_simd(const char* name) noexcept {
  if (!name) {
    cpu::chosen = cpu::best_level();
    return {};
  }
  for (const cpu::Candidate& candidate : cpu::candidates()) {
    if (candidate.supported && std::strcmp(candidate.level->name, name) == 0) {
      cpu::chosen = candidate.level;
      return {};
    }
  }
  return failure(Code::kOption, "Expected a SIMD level that this processor has but received '%.40s'", name);
}

}  // namespace cutloss
