# SPDX-License-Identifier: Apache-2.0
# Before the dependencies, so that fetched ones are instrumented as well.
foreach(sanitizer IN LISTS OFFLOAD_BENCH_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${sanitizer}>")
  add_link_options("-fsanitize=${sanitizer}")
endforeach()
if(OFFLOAD_BENCH_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=all>"
                      "$<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>")
endif()
