# SPDX-License-Identifier: Apache-2.0
# Cross-compiles for aarch64 servers (NVIDIA calls them sbsa), such as Grace Hopper, with Debian's g++-aarch64-linux-gnu.
# OFFLOAD_AARCH64 is what scripts/aarch64.sh lays out:
#   toolkit/  nvcc for this machine; targets/aarch64-linux: CUDA's headers and libraries for aarch64
#   sysroot/  the C++ runtime and this project's dependencies for aarch64
if(NOT OFFLOAD_AARCH64)
  set(OFFLOAD_AARCH64 "$ENV{OFFLOAD_AARCH64}")
endif()
if(NOT OFFLOAD_AARCH64)
  get_filename_component(OFFLOAD_AARCH64 "${CMAKE_CURRENT_LIST_DIR}/../../build/aarch64-root" ABSOLUTE)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES OFFLOAD_AARCH64)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
find_program(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++ REQUIRED)
set(CMAKE_CUDA_COMPILER "${OFFLOAD_AARCH64}/toolkit/bin/nvcc")
set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)  # notes about how GCC before 10.1 passed arguments

# The second is Debian's libc6-dev-arm64-cross, for librt.
set(CMAKE_FIND_ROOT_PATH "${OFFLOAD_AARCH64}/sysroot" /usr/aarch64-linux-gnu
                         "${OFFLOAD_AARCH64}/toolkit/targets/aarch64-linux")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

find_program(OFFLOAD_QEMU NAMES qemu-aarch64-static qemu-aarch64)
mark_as_advanced(OFFLOAD_QEMU)
if(OFFLOAD_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${OFFLOAD_QEMU};-L;${OFFLOAD_AARCH64}/sysroot")
endif()
