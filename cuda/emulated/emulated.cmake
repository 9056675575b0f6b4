# Functions for code that runs on the emulated device.

# Makes g++ accept the .cu files of a target in the calling directory.
function(cutloss_emulated_sources)
  foreach(source ${ARGN})
    if(source MATCHES "\\.cu$")
      set_source_files_properties("${source}" PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-xc++")
    endif()
  endforeach()
endfunction()

# cutloss_emulated_executable(name MODE plain|race|asan SOURCES file.cu...)
#   plain  as it is
#   race   with the race checker: -fsanitize=thread inserts the hooks that it supplies
#   asan   with AddressSanitizer and UndefinedBehaviorSanitizer
function(cutloss_emulated_executable name)
  cmake_parse_arguments(arg "" "MODE" "SOURCES" ${ARGN})
  cutloss_emulated_sources(${arg_SOURCES})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE cutloss_emulated)
  target_compile_options(${name} PRIVATE -O1 -g1 -Wall -Wextra -Wno-unknown-pragmas)
  if(arg_MODE STREQUAL "race")
    target_compile_options(${name} PRIVATE -fsanitize=thread)
    target_link_libraries(${name} PRIVATE cutloss_emulated_race)
  elseif(arg_MODE STREQUAL "asan")
    target_compile_options(${name} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_link_options(${name} PRIVATE -fsanitize=address,undefined)
  elseif(NOT arg_MODE STREQUAL "plain")
    message(FATAL_ERROR "cutloss_emulated_executable: MODE is plain, race or asan, not '${arg_MODE}'")
  endif()
endfunction()
