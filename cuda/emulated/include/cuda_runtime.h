// Stands in for the CUDA toolkit's header of the same name when g++ compiles kernels for the emulator, so that
// no toolkit is needed. It offers what this project uses: the language (qualifiers, built-in variables, device
// functions) and a host API whose device memory lives in this process.
#pragma once
#include "cuda/emulated/host/api.h"
#include "cuda/emulated/language/arithmetic.h"
#include "cuda/emulated/language/atomics.h"
#include "cuda/emulated/language/qualifiers.h"
#include "cuda/emulated/language/threads.h"
#include "cuda/emulated/language/types.h"
