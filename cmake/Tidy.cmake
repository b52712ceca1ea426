# SPDX-License-Identifier: Apache-2.0
# `cmake --build --preset tidy` runs clang-tidy over the host sources of this build, in parallel.
find_program(OFFLOAD_RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14 run-clang-tidy-18)
mark_as_advanced(OFFLOAD_RUN_CLANG_TIDY)
if(OFFLOAD_RUN_CLANG_TIDY)
  string(REGEX REPLACE "([][+.*()^$?|\\])" "\\\\\\1" source_regex "${PROJECT_SOURCE_DIR}")
  add_custom_target(
    tidy
    COMMAND "${OFFLOAD_RUN_CLANG_TIDY}" -quiet -p "${PROJECT_BINARY_DIR}"
            "^${source_regex}/((bench|kernels)/.*[.]cpp|.*/Unity/.*[.]cxx)$"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    USES_TERMINAL VERBATIM)
  add_dependencies(tidy offload_git_state)
endif()
