# What the library is built from. Headers only, but for threads: a finished library needs the C++ runtime and the
# system's threads (or OpenMP, where that was chosen), nothing else.

# Names the Debian package where one is missing: the commonest first obstacle, and the cheapest to name.
macro(ablaze_need package debian)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "ablaze needs ${package}, which was not found. "
      "On Debian and Ubuntu: apt install ${debian}; elsewhere set ${package}_ROOT.")
  endif()
endmacro()

# Where the library's threads come from; src/threads/README.md compares the three.
set(ABLAZE_THREADS std CACHE STRING "Threads of the library: std, openmp or serial")
set_property(CACHE ABLAZE_THREADS PROPERTY STRINGS std openmp serial)
if(ABLAZE_THREADS STREQUAL openmp)
  ablaze_need(OpenMP "g++ (or libomp-dev for clang++)" COMPONENTS CXX)
  set(ABLAZE_THREADS_LIBRARY OpenMP::OpenMP_CXX)
  set(ABLAZE_THREADS_DEPENDENCY "find_dependency(OpenMP COMPONENTS CXX)")
  set(ABLAZE_THREADS_FLAGS ${OpenMP_CXX_FLAGS})
elseif(ABLAZE_THREADS STREQUAL std)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  ablaze_need(Threads "g++")
  set(ABLAZE_THREADS_LIBRARY Threads::Threads)
  set(ABLAZE_THREADS_DEPENDENCY "set(THREADS_PREFER_PTHREAD_FLAG ON)\n    find_dependency(Threads)")
  set(ABLAZE_THREADS_FLAGS -pthread)
elseif(NOT ABLAZE_THREADS STREQUAL serial)
  message(FATAL_ERROR "ABLAZE_THREADS must be std, openmp or serial, not '${ABLAZE_THREADS}'")
endif()
if(ABLAZE_TESTS)  # all that there are, is tested
  find_package(OpenMP QUIET COMPONENTS CXX)
  find_package(Threads QUIET)
endif()
ablaze_need(xtensor libxtensor-dev)
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
