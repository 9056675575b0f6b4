#include "cuda/topology/instantiate.h"

namespace cutloss::cuda {

CUTLOSS_INSTANTIATE_MERGING(Graph<2, Merging::kVoxels>);

}  // namespace cutloss::cuda
