# SPDX-License-Identifier: Apache-2.0
# Each is taken from the system where it is new enough, else downloaded at a pinned release.
# Offline: -D FETCHCONTENT_SOURCE_DIR_<NAME>=<unpacked source>.
include(FetchContent)
find_package(Threads REQUIRED)
set(BUILD_SHARED_LIBS OFF)
set_property(DIRECTORY PROPERTY SYSTEM ON)  # our warnings are not for their headers
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # their options obey the plain variables set here,
set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)  # and so do their cache entries

# The harness: repetitions, statistics, stock JSON and its tools.
set(BENCHMARK_ENABLE_TESTING OFF)
set(BENCHMARK_ENABLE_INSTALL OFF)
set(BENCHMARK_ENABLE_WERROR OFF)
FetchContent_Declare(benchmark
  URL https://github.com/google/benchmark/archive/refs/tags/v1.9.5.tar.gz
  URL_HASH SHA256=9631341c82bac4a288bef951f8b26b41f69021794184ece969f8473977eaa340
  FIND_PACKAGE_ARGS 1.7.1)
# The command line, with suggestions and pass-through of what is not ours.
set(CLI11_INSTALL OFF)
FetchContent_Declare(CLI11
  URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.7.2.tar.gz
  URL_HASH SHA256=46eef3101da70852ec7af026e09d485ccee81813331c8c6052d39344443b83da
  FIND_PACKAGE_ARGS 2.1)
# The results file.
set(JSON_Install OFF)
FetchContent_Declare(nlohmann_json
  URL https://github.com/nlohmann/json/releases/download/v3.12.0/json.tar.xz
  URL_HASH SHA256=42f6e95cad6ec532fd372391373363b62a14af6d771056dbfc86160e6dfff7aa
  FIND_PACKAGE_ARGS 3.11)
# Vector code on the CPU, for the best instruction set found at run time.
set(HWY_ENABLE_CONTRIB OFF)
set(HWY_ENABLE_EXAMPLES OFF)
set(HWY_ENABLE_INSTALL OFF)
set(HWY_ENABLE_TESTS OFF)
FetchContent_Declare(hwy
  URL https://github.com/google/highway/releases/download/1.3.0/highway-1.3.0.tar.gz
  URL_HASH SHA256=e8d696900b45f4123be8a9d6866f4e7b6831bf599f4b9c178964d968e6a58a69
  FIND_PACKAGE_ARGS 1.0.3)
FetchContent_MakeAvailable(benchmark CLI11 nlohmann_json hwy)
if(NOT TARGET hwy::hwy)
  add_library(hwy::hwy ALIAS hwy)  # its own build defines the bare name only
endif()
if(NOT benchmark_FOUND)
  file(STRINGS "${benchmark_SOURCE_DIR}/CMakeLists.txt" line REGEX "project *\\(benchmark VERSION")
  string(REGEX MATCH "[0-9]+[.][0-9]+[.][0-9]+" benchmark_VERSION "${line}")
endif()

if(OFFLOAD_BENCH_TESTS)
  # The tests.
  set(BUILD_GMOCK OFF)
  set(INSTALL_GTEST OFF)
  FetchContent_Declare(googletest  # not gtest: that name's source directory is a folder inside
    URL https://github.com/google/googletest/archive/refs/tags/v1.17.0.tar.gz
    URL_HASH SHA256=65fab701d9829d38cb77c14acdc431d2108bfdbf8979e40eb8ae567edf10b27c
      FIND_PACKAGE_ARGS 1.12 NAMES GTest)
  FetchContent_MakeAvailable(googletest)
endif()
set_property(DIRECTORY PROPERTY SYSTEM OFF)
