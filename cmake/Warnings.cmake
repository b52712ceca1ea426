# SPDX-License-Identifier: Apache-2.0
target_compile_options(
  offload_vocabulary
  INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wconversion;-Wpedantic>"
            "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms about concatenated std::strings (GCC bug 105651).
  target_compile_options(offload_vocabulary INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_UNITY_BUILD)
  # Where many sources are compiled as one: names in one hide those in another, and its unnamed namespaces
  # are not those of a file of their own.
  target_compile_options(
    offload_vocabulary INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-shadow;-Wno-subobject-linkage>")
endif()
if(OFFLOAD_BENCH_WERROR)
  target_compile_options(
    offload_vocabulary
    INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Werror>"
              "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Werror>")
endif()
