// What the binary can do, as JavaScript reads it when it loads: the fields of each request, by which TypeScript packs
// its arguments, and the row objectives with their options, by which it validates them; indices of overlap and moments
// of regions by name. And what it was built from.
#pragma once

#include <napi.h>

namespace cutloss::binding {

Napi::Value operations(Napi::Env env);
Napi::Value objectives(Napi::Env env);
Napi::Value region_indices(Napi::Env env);
Napi::Value region_moments(Napi::Env env);
Napi::Value simd_levels(Napi::Env env);

/// Of the sources, the compiler, and CUDA: a function, since it asks the driver.
Napi::Value versions(Napi::Env env);

}  // namespace cutloss::binding
