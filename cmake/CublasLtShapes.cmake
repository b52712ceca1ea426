# SPDX-License-Identifier: Apache-2.0
# cuBLASLt names its tiles and clusters by number: 634 is 512 by 1024. Their sizes stand in its header
# alone, in the names of the numbers; from there they become tables.
function(offload_cublaslt_shapes header output)
  file(STRINGS "${header}" lines REGEX "CUBLASLT_(MATMUL_TILE|CLUSTER_SHAPE)_[0-9]+x[0-9]+[x0-9]* = [0-9]+")
  foreach(line IN LISTS lines)
    if(line MATCHES "TILE_([0-9]+)x([0-9]+) = ([0-9]+)")
      string(APPEND tiles "    {${CMAKE_MATCH_3}, ${CMAKE_MATCH_1}, ${CMAKE_MATCH_2}},\n")
    elseif(line MATCHES "SHAPE_([0-9]+)x([0-9]+)x1 = ([0-9]+)")
      string(APPEND clusters "    {${CMAKE_MATCH_3}, ${CMAKE_MATCH_1}, ${CMAKE_MATCH_2}},\n")
    endif()
  endforeach()
  configure_file("${PROJECT_SOURCE_DIR}/bench/cuda/cublaslt_shapes.hpp.in" "${output}" @ONLY)
endfunction()
