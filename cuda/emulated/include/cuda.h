// Stands in for the CUDA driver's header in emulated builds: tensor maps (the descriptors of TMA tiles) only.
#pragma once
#include "cuda/emulated/host/tensor_map.h"
