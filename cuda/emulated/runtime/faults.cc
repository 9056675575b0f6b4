// The handler calls functions that a signal handler should not; the process is about to end either way.
#include "cuda/emulated/runtime/faults.h"

#include <signal.h>
#include <ucontext.h>

#include <cstdlib>
#include <mutex>

#include "cuda/emulated/runtime/block.h"
#include "cuda/emulated/runtime/device_memory.h"
#include "cuda/emulated/runtime/report.h"

namespace cutloss::emulated {
namespace {

constexpr size_t kStackBytes = 128 * 1024;

struct sigaction previous;

const void* program_counter(void* context) {
  const mcontext_t& registers = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(registers.gregs[REG_RIP] + 1);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(registers.pc + 1);
#else
  (void)registers;
  return nullptr;
#endif
}

void handle(int signal, siginfo_t* info, void* context) {
  const Thread* thread = current_thread;
  if (!thread) {
    sigaction(signal, &previous, nullptr);  // the instruction runs again, and faults again
    return;
  }
  const auto* address = static_cast<const std::byte*>(info->si_addr);
  const std::string at = "  at " + describe_code(program_counter(context)) + "\n";
  const size_t below_stack = static_cast<size_t>(thread->stack - address);
  if (below_stack - 1 < 16 * 1024) fail("the stack of a thread overflows", at);
  if (device_memory().contains(address))
    fail("an access outside global memory", at + "  " + device_memory().describe(address) + "\n");
  char text[80];
  snprintf(text, sizeof text, "  address %p is neither device memory nor shared memory\n", info->si_addr);
  fail("an invalid access", at + text);
}

}  // namespace

void report_faults() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous);
  });
}

struct FaultStack::Saved {
  stack_t before;
  void* memory;
};

FaultStack::FaultStack() : saved_(new Saved) {
  saved_->memory = malloc(kStackBytes);
  stack_t stack{};
  stack.ss_sp = saved_->memory;
  stack.ss_size = kStackBytes;
  sigaltstack(&stack, &saved_->before);
}

FaultStack::~FaultStack() {
  sigaltstack(&saved_->before, nullptr);
  free(saved_->memory);
  delete saved_;
}

}  // namespace cutloss::emulated
