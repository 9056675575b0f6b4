// The stack switch. It saves what the calling convention lets a callee rely on, and nothing else: the caller
// already treats it as an ordinary function call.
#include "cuda/emulated/runtime/context.h"

#include <cstdint>

#ifdef CUTLOSS_EMULATED_UCONTEXT

namespace cutloss::emulated {

void Context::prepare(std::byte* stack, size_t bytes, void (*body)()) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = bytes;
  context_.uc_link = nullptr;
  makecontext(&context_, body, 0);
}

void Context::switch_between(Context& from, Context& to) { swapcontext(&from.context_, &to.context_); }

}  // namespace cutloss::emulated

#else

// void cutloss_emulated_switch(void** save_stack_pointer, void* stack_pointer_to_resume)
#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.hidden cutloss_emulated_switch
.globl cutloss_emulated_switch
.type cutloss_emulated_switch, @function
cutloss_emulated_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cutloss_emulated_switch, .-cutloss_emulated_switch
)");
#else
asm(R"(
.text
.p2align 4
.hidden cutloss_emulated_switch
.globl cutloss_emulated_switch
.type cutloss_emulated_switch, %function
cutloss_emulated_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size cutloss_emulated_switch, .-cutloss_emulated_switch
)");
#endif

extern "C" void cutloss_emulated_switch(void** save_stack_pointer, void* stack_pointer_to_resume);

namespace cutloss::emulated {

void Context::prepare(std::byte* stack, size_t bytes, void (*body)()) {
  auto top = reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t{63};
  void** frame = reinterpret_cast<void**>(top);
#if defined(__x86_64__)
  *--frame = nullptr;  // where a caller's return address would be: keeps the stack aligned as after a call
  *--frame = reinterpret_cast<void*>(body);
  for (int i = 0; i < 6; i++) *--frame = nullptr;
#else
  frame -= 20;
  for (int i = 0; i < 20; i++) frame[i] = nullptr;
  frame[11] = reinterpret_cast<void*>(body);  // x30, the link register
#endif
  stack_pointer_ = frame;
}

void Context::switch_between(Context& from, Context& to) {
  cutloss_emulated_switch(&from.stack_pointer_, to.stack_pointer_);
}

}  // namespace cutloss::emulated

#endif
