# SPDX-License-Identifier: Apache-2.0
# libFuzzer guides its search by the coverage of everything below, so all of it is instrumented.
if(OFFLOAD_BENCH_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "OFFLOAD_BENCH_FUZZ needs clang: configure with -D CMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>")
endif()
