#include <array>
#include <atomic>
#include <cstring>

#include "cpu/levels/levels.h"
#include "engine/engine.h"

namespace cutloss::cpu {
namespace {

struct Candidate {
  const Level* level;
  bool supported;
};

// What this processor has, best first. Asked here, in a file compiled for any processor.
#if defined(__x86_64__) && !defined(CUTLOSS_GENERIC_ONLY)
const std::array<Candidate, 4>& candidates() {
#ifdef __clang__
  constexpr bool f16c = true;  // Clang 14 does not know it by name, and every processor with AVX2 has it
#else
  static const bool f16c = __builtin_cpu_supports("f16c");
#endif
  static const bool avx2 = f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  static const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  static const std::array<Candidate, 4> list = {{{&kAvx512Bf16Level, avx512 && __builtin_cpu_supports("avx512bf16")},
                                                 {&kAvx512Level, avx512},
                                                 {&kAvx2Level, avx2},
                                                 {&kGenericLevel, true}}};
  return list;
}
#elif defined(__aarch64__) && !defined(CUTLOSS_GENERIC_ONLY)
const std::array<Candidate, 2>& candidates() {
  static const std::array<Candidate, 2> list = {{{&kNeonLevel, true}, {&kGenericLevel, true}}};
  return list;
}
#else
const std::array<Candidate, 1>& candidates() {
  static const std::array<Candidate, 1> list = {{{&kGenericLevel, true}}};
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
