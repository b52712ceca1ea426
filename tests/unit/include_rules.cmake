# SPDX-License-Identifier: Apache-2.0
# cmake -D SOURCE=<repository> -P include_rules.cmake
# Dependencies point one way; this reads the #include lines and says who breaks that.
cmake_minimum_required(VERSION 3.25)
set(errors "")

# The files under `folders` that include something matching `pattern`.
function(includers result pattern)
  set(found "")
  foreach(folder IN LISTS ARGN)
    file(GLOB_RECURSE files RELATIVE "${SOURCE}" "${SOURCE}/${folder}/*.hpp"
         "${SOURCE}/${folder}/*.cpp" "${SOURCE}/${folder}/*.cuh" "${SOURCE}/${folder}/*.cu")
    foreach(file IN LISTS files)
      file(STRINGS "${SOURCE}/${file}" lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"](${pattern})")
      if(lines)
        list(APPEND found "${file}")
      endif()
    endforeach()
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

macro(expect_only what pattern)
  includers(found "${pattern}" include kernels bench)
  set(expected ${ARGN})
  if(NOT "${found}" STREQUAL "${expected}")
    list(APPEND errors "${what} must be included by '${expected}' alone, but is by '${found}'")
  endif()
endmacro()
expect_only("nlohmann/json" "nlohmann/" bench/models/json_value.cpp
            bench/report/evidence_json.hpp bench/report/json_values.hpp bench/report/machine_json.hpp)
expect_only("CLI11" "CLI/" bench/cli/command_line.cpp)
expect_only("Google Benchmark" "benchmark/" bench/measure/gbench_adapter.cpp)

# CUDA's own headers stay behind the seams that have a stand-in.
set(cuda "cuda|cublas|cupti|nvtx|nvml|device_launch|vector_types|cooperative_groups")
includers(found "${cuda}" include kernels bench)
list(FILTER found EXCLUDE REGEX "^(kernels/.*[.]cuh?|bench/cuda/.*|bench/platform/gpu[.]cpp|bench/measure/(um_traffic|ranges)[.]cpp)$")
foreach(file IN LISTS found)
  list(APPEND errors "${file} includes CUDA headers; go through offload/cuda/runtime.hpp")
endforeach()

# The vocabulary knows itself and the standard library.
includers(found "(bench|kernels|tests)/|hwy/|gtest/" include)
foreach(file IN LISTS found)
  list(APPEND errors "${file} includes more than the vocabulary and the standard library")
endforeach()
# A policy knows no kernel, a workload no policy's file.
includers(found "kernels/|bench/workloads/" bench/policies)
foreach(file IN LISTS found)
  list(APPEND errors "${file} is a policy and includes a kernel or a workload")
endforeach()
includers(found "bench/policies/" bench/workloads kernels)
foreach(file IN LISTS found)
  list(APPEND errors "${file} reads weights and includes a policy")
endforeach()

foreach(error IN LISTS errors)
  message(SEND_ERROR "${error}")
endforeach()
