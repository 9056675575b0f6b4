// Makes the race checker of one block.
#pragma once
#include <memory>

#include "cuda/emulated/runtime/race_log.h"

namespace cutloss::emulated {

std::unique_ptr<RaceLog> make_checker();

}  // namespace cutloss::emulated
