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

# Adds the tests `name.mode` for the modes plain, race and asan of one program.
#   cutloss_emulated_test(name SOURCES file.cu... [MODES plain race asan] [LIBRARIES ...] [SEEDS 0 1 2 3 4])
# With SEEDS the program runs once for each; else once, told its mode by its first argument.
function(cutloss_emulated_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;MODES;LIBRARIES;SEEDS" ${ARGN})
  if(NOT arg_MODES)
    set(arg_MODES plain race asan)
  endif()
  foreach(mode ${arg_MODES})
    set(target ${name}_${mode})
    cutloss_emulated_executable(${target} MODE ${mode} SOURCES ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE ${arg_LIBRARIES})
    if(arg_SEEDS)
      foreach(seed ${arg_SEEDS})
        add_test(NAME ${name}.${mode}.seed${seed} COMMAND ${target} ${mode})
        set_tests_properties(${name}.${mode}.seed${seed} PROPERTIES ENVIRONMENT "CUTLOSS_EMULATED_SEED=${seed}")
      endforeach()
    else()
      add_test(NAME ${name}.${mode} COMMAND ${target} ${mode})
    endif()
  endforeach()
endfunction()
