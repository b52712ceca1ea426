# SPDX-License-Identifier: Apache-2.0
# Run at build time:
#   cmake -D SOURCE=<repository> -D OUTPUT=<header> -D COMMIT=<else> -P GitState.cmake
# COMMIT is recorded as it is when given: for a tree that came without its repository.
# Writes the header only when its content changes, so that an unchanged tree rebuilds nothing.
set(ENV{GIT_OPTIONAL_LOCKS} 0)
set(commit unknown)
if(COMMIT)
  set(commit "${COMMIT}")
endif()
set(dirty false)
find_program(GIT git)
if(GIT AND NOT COMMIT)
  set(git "${GIT}" -c "safe.directory=${SOURCE}" -C "${SOURCE}")
  # A tarball unpacked inside another repository is not that repository's commit.
  execute_process(COMMAND ${git} rev-parse --show-prefix OUTPUT_VARIABLE prefix
                  OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed AND prefix STREQUAL "")
    execute_process(COMMAND ${git} rev-parse HEAD OUTPUT_VARIABLE head
                    OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
    execute_process(COMMAND ${git} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes
                    RESULT_VARIABLE status_failed ERROR_QUIET)
    if(NOT failed AND NOT status_failed)
      set(commit "${head}")
      if(NOT changes STREQUAL "")
        set(dirty true)
      endif()
    endif()
  endif()
endif()

file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT [[
#pragma once
namespace offload {
inline constexpr const char* git_commit = "@commit@";
inline constexpr bool git_dirty = @dirty@;
}  // namespace offload
]] @ONLY)
