# SPDX-License-Identifier: Apache-2.0
# Decides whether the program for ranks of MPI is built as well. Sets OFFLOAD_WITH_MPI.
set(OFFLOAD_WITH_MPI OFF)
if(NOT OFFLOAD_BENCH_MPI MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "OFFLOAD_BENCH_MPI is '${OFFLOAD_BENCH_MPI}'; use AUTO, ON or OFF")
endif()
if(OFFLOAD_BENCH_MPI STREQUAL "OFF")
  return()
endif()
set(MPI_CXX_SKIP_MPICXX ON)  # C's interface is all that is used
find_package(MPI QUIET COMPONENTS CXX)
if(MPI_CXX_FOUND)
  set(OFFLOAD_WITH_MPI ON)
elseif(OFFLOAD_BENCH_MPI STREQUAL "ON")
  message(FATAL_ERROR "OFFLOAD_BENCH_MPI=ON, and no MPI is found: install one (Debian: libopenmpi-dev), load its "
                      "module, or name its compiler by MPI_CXX_COMPILER")
endif()
message(STATUS "MPI: ${OFFLOAD_WITH_MPI}")
