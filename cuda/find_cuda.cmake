# Decides whether the CUDA engine is built, in one line, and enables the language if so. nvcc is often installed but not
# on PATH, where CMake's own check does not look.
find_program(CUTLOSS_NVCC nvcc HINTS $ENV{CUDA_HOME} $ENV{CUDA_PATH} PATHS /usr/local/cuda /opt/cuda PATH_SUFFIXES bin)
mark_as_advanced(CUTLOSS_NVCC)

set(CUTLOSS_WITH_CUDA OFF)
if(CUTLOSS_CUDA STREQUAL "OFF")
  message(STATUS "cutloss: building for the CPU only (CUTLOSS_CUDA=OFF)")
elseif(CUTLOSS_NVCC)
  set(CUTLOSS_WITH_CUDA ON)
  set(CMAKE_CUDA_COMPILER ${CUTLOSS_NVCC})
  # Every supported GPU, and PTX for those to come; scripts/native-settings.mjs asks for fewer in a checkout.
  set(shipped 80-real 86-real 89-real 90a-real 100-real 120)
  set(CMAKE_CUDA_ARCHITECTURES "${shipped}" CACHE STRING "GPUs that kernels are compiled for")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  enable_language(CUDA)
  message(STATUS "cutloss: building with CUDA ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
elseif(CUTLOSS_CUDA STREQUAL "ON")
  message(FATAL_ERROR "cutloss: CUTLOSS_CUDA=ON but nvcc was not found on PATH, in CUDA_HOME or in /usr/local/cuda")
else()
  message(STATUS "cutloss: building for the CPU only (nvcc was not found)")
endif()
