# What the library is built from. Headers only, but for OpenMP: a finished library needs the C++
# runtime and OpenMP, nothing else.

# Names the Debian package where one is missing: the commonest first obstacle, and the cheapest to name.
macro(ablaze_need package debian)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "ablaze needs ${package}, which was not found. "
      "On Debian and Ubuntu: apt install ${debian}; elsewhere set ${package}_ROOT.")
  endif()
endmacro()

ablaze_need(OpenMP "g++ (or libomp-dev for clang++)" COMPONENTS CXX)
# Debian's package of these headers says that they are for the word size that it was made on.
set(word ${CMAKE_SIZEOF_VOID_P})
set(CMAKE_SIZEOF_VOID_P)
ablaze_need(xtensor libxtensor-dev)
set(CMAKE_SIZEOF_VOID_P ${word})
ablaze_need(nlohmann_json nlohmann-json3-dev)
if(ABLAZE_TOOLS)
  ablaze_need(CLI11 libcli11-dev)
  if(ABLAZE_MPI)
    ablaze_need(MPI "libopenmpi-dev openmpi-bin" COMPONENTS CXX)
  endif()
endif()
if(ABLAZE_TESTS)
  ablaze_need(doctest doctest-dev)
endif()
if(ABLAZE_BENCH)
  ablaze_need(benchmark libbenchmark-dev)
endif()

find_path(ABLAZE_STB_INCLUDE_DIR stb/stb_image.h DOC "The folder that holds stb/stb_image.h")
mark_as_advanced(ABLAZE_STB_INCLUDE_DIR)
if(NOT ABLAZE_STB_INCLUDE_DIR)
  message(FATAL_ERROR "ablaze needs stb_image, which was not found. "
    "On Debian and Ubuntu: apt install libstb-dev; elsewhere set ABLAZE_STB_INCLUDE_DIR.")
endif()
