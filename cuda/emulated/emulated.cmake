# Functions for code that runs on the emulated device.

# Makes g++ accept the .cu files of a target in the calling directory. A target with UNITY_BUILD compiles the sources of
# a folder as one: most of the time goes into what they include.
function(cutloss_emulated_sources)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  foreach(source ${ARGN})
    get_filename_component(folder "${source}" DIRECTORY)
    get_filename_component(folder "${folder}" NAME)
    set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "${folder}")
  endforeach()
endfunction()

# Compiles and links a target for the emulated device, to be checked in one of three ways:
#   plain  as it is
#   race   with the race checker: -fsanitize=thread inserts the hooks that it supplies
#   asan   with AddressSanitizer and UndefinedBehaviorSanitizer
function(cutloss_emulated_mode target mode)
  target_link_libraries(${target} PUBLIC cutloss_emulated)
  target_compile_options(${target} PRIVATE -O1 -g1 -Wall -Wextra -Wno-unknown-pragmas)
  if(mode STREQUAL "race")
    target_compile_options(${target} PRIVATE -fsanitize=thread)
    target_link_libraries(${target} PUBLIC cutloss_emulated_race)
  elseif(mode STREQUAL "asan")
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  elseif(NOT mode STREQUAL "plain")
    message(FATAL_ERROR "cutloss_emulated_mode: the mode is plain, race or asan, not '${mode}'")
  endif()
endfunction()

# cutloss_emulated_executable(name MODE plain|race|asan SOURCES file.cu...)
function(cutloss_emulated_executable name)
  cmake_parse_arguments(arg "" "MODE" "SOURCES" ${ARGN})
  cutloss_emulated_sources(${arg_SOURCES})
  add_executable(${name} ${arg_SOURCES})
  cutloss_emulated_mode(${name} "${arg_MODE}")
endfunction()

# Adds the tests name.mode, for one program in several modes.
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
