# The CUDA engine: the library that the addon links, its kernels compiled by nvcc.
file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*.cc cuda/*/*.cc)
file(GLOB cuda_kernels CONFIGURE_DEPENDS cuda/*/*.cu)

add_library(cutloss_cuda STATIC ${cuda_sources} ${cuda_kernels})
target_link_libraries(cutloss_cuda PUBLIC cutloss_options)

# C++20 as a plain flag: CMake 3.25 does not know it for CUDA. Kernels are found by the runtime, not by the linker.
target_compile_options(cutloss_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 -compress-mode=size --threads=0
                       -Xptxas=-warn-spills,-warn-lmem-usage
                       -Xcompiler=-ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}=.>)
set_target_properties(cutloss_cuda PROPERTIES CUDA_RUNTIME_LIBRARY Static)
target_include_directories(cutloss_cuda SYSTEM PUBLIC ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
