# SPDX-License-Identifier: Apache-2.0
# A catalog is a library with one function, make_catalog(): of what the files in the given folders
# define, each under its own name,
#   POLICIES   std::span<const Policy> offload::policies::<name of the file>()
#   WORKLOADS  std::vector<std::unique_ptr<Workload>> offload::workloads::<name of the file>()
# EXTENDS adds them to those of another catalog, whose files are not compiled again. No list is kept
# anywhere: a file added is found at the next build. A program links the catalog it wants.
function(offload_catalog target)
  cmake_parse_arguments(PARSE_ARGV 1 catalog "" "EXTENDS" "POLICIES;WORKLOADS")
  set(entries ${target}_entries)
  add_library(${entries} STATIC)
  set_target_properties(${entries} PROPERTIES UNITY_BUILD OFF)  # they use the same names on purpose
  target_link_libraries(${entries} PUBLIC offload_core)
  set(type_of_policies "std::span<const Policy>")
  set(type_of_workloads "std::vector<std::unique_ptr<Workload>>")
  foreach(kind IN ITEMS policies workloads)
    string(TOUPPER ${kind} argument)
    set(names "")
    if(catalog_EXTENDS)
      get_target_property(names ${catalog_EXTENDS} OFFLOAD_CATALOG_${argument})
      target_link_libraries(${entries} PUBLIC ${catalog_EXTENDS}_entries)
    endif()
    foreach(folder IN LISTS catalog_${argument})
      cmake_path(ABSOLUTE_PATH folder)
      file(GLOB files CONFIGURE_DEPENDS "${folder}/*.cpp")
      target_sources(${entries} PRIVATE ${files})
      foreach(file IN LISTS files)
        cmake_path(GET file STEM name)
        list(APPEND names ${name})
      endforeach()
    endforeach()
    set(names_of_${kind} "${names}")
    foreach(name IN LISTS names)
      string(APPEND declared_${kind} "${type_of_${kind}} ${name}();\n")
      string(APPEND called_${kind} "      ${kind}::${name}(),\n")
    endforeach()
  endforeach()

  set(source "${CMAKE_CURRENT_BINARY_DIR}/generated/${target}.cpp")
  configure_file("${PROJECT_SOURCE_DIR}/bench/catalog_entries.cpp.in" "${source}" @ONLY)
  add_library(${target} STATIC "${source}")
  target_link_libraries(${target} PUBLIC offload_core PRIVATE ${entries})
  set_target_properties(${target} PROPERTIES
    OFFLOAD_CATALOG_POLICIES "${names_of_policies}"
    OFFLOAD_CATALOG_WORKLOADS "${names_of_workloads}")
endfunction()
