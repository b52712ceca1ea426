# SPDX-License-Identifier: Apache-2.0
# Beside an installed program its manual page and what shells complete its command lines by, where man and
# the shells look for them. The program writes them itself, when it is installed: a build that is for
# another machine, and has no emulator of it, goes without.
include(GNUInstallDirs)

# install_help(TARGET FOLDER NAME ARGUMENT...): what the target prints when given these, as a file.
function(install_help target folder name)
  set(command "$<TARGET_FILE:${target}>;${ARGN}")
  if(CMAKE_CROSSCOMPILING)
    if(NOT CMAKE_CROSSCOMPILING_EMULATOR)
      return()
    endif()
    list(PREPEND command ${CMAKE_CROSSCOMPILING_EMULATOR})
  endif()
  list(JOIN command "\" \"" command)
  set(file "${CMAKE_CURRENT_BINARY_DIR}/help/${name}")
  install(CODE "
    file(MAKE_DIRECTORY \"${CMAKE_CURRENT_BINARY_DIR}/help\")
    execute_process(COMMAND \"${command}\" OUTPUT_FILE \"${file}\" COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES "${file}" DESTINATION "${folder}")
endfunction()

install_help(offload_bench "${CMAKE_INSTALL_MANDIR}/man1" offload_bench.1 --man)
install_help(offload_bench "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" offload_bench --completion bash)
install_help(offload_bench "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" _offload_bench --completion zsh)
install_help(offload_bench "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" offload_bench.fish --completion fish)
