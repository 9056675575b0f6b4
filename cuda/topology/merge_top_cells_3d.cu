#include "cuda/topology/instantiate.h"

namespace cutloss::cuda {

CUTLOSS_INSTANTIATE_MERGING(Graph<3, Merging::kTopCells>);

}  // namespace cutloss::cuda
