# Build dependencies of the library, header-only except threads and libjpeg-turbo: at run time the library needs only the
# C++ runtime, the system's threads (or OpenMP, if selected), and libjpeg-turbo where it was found.

# Names the Debian package of a missing dependency, the most common first obstacle.
macro(ablaze_need package debian)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "ablaze needs ${package}, which was not found. "
      "On Debian and Ubuntu: apt install ${debian}; elsewhere set ${package}_ROOT.")
  endif()
endmacro()

# The source of the library's threads; src/threads/README.md compares the three.
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
if(ABLAZE_TESTS)
  # All three are tested; but clang's OpenMP leaks, and its leak checker reports it.
  ablaze_need(Threads "g++")
  set(ABLAZE_TESTED_THREADS std serial)
  if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    ablaze_need(OpenMP "g++ (or libomp-dev for clang++)" COMPONENTS CXX)
    list(APPEND ABLAZE_TESTED_THREADS openmp)
  endif()
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
# The line "/* stb_image - v2.27 - ..." is its only mention of its version.
file(STRINGS ${ABLAZE_STB_INCLUDE_DIR}/stb/stb_image.h ABLAZE_STB_VERSION LIMIT_COUNT 1 REGEX "stb_image - v[0-9.]+")
string(REGEX MATCH "[0-9]+\\.[0-9]+" ABLAZE_STB_VERSION "${ABLAZE_STB_VERSION}")

# libjpeg-turbo gives Pillow's pixels, and with them PyTorch's scores. IJG's own libjpeg, of the same interface, gives
# others.
set(ABLAZE_JPEG AUTO CACHE STRING "JPEGs by libjpeg-turbo: AUTO (where it is found, else by stb_image), ON or OFF")
set_property(CACHE ABLAZE_JPEG PROPERTY STRINGS AUTO ON OFF)
if(NOT ABLAZE_JPEG MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "ABLAZE_JPEG must be AUTO, ON or OFF, not '${ABLAZE_JPEG}'")
endif()
if(NOT ABLAZE_JPEG STREQUAL OFF)
  find_package(JPEG QUIET)
  if(JPEG_FOUND)
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_INCLUDES ${JPEG_INCLUDE_DIRS})
    set(CMAKE_REQUIRED_LIBRARIES ${JPEG_LIBRARIES})
    # Links, since a library for another processor would be found, too.
    check_cxx_source_compiles("
      #include <cstdio>
      #include <jpeglib.h>
      #ifndef LIBJPEG_TURBO_VERSION
      #error another libjpeg
      #endif
      int main() { jpeg_error_mgr errors; return jpeg_std_error(&errors) == nullptr; }" ABLAZE_HAVE_LIBJPEG_TURBO)
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
  endif()
  if(JPEG_FOUND AND ABLAZE_HAVE_LIBJPEG_TURBO)
    set(ABLAZE_JPEG_LIBRARY JPEG::JPEG)
    set(ABLAZE_JPEG_DEPENDENCY "find_dependency(JPEG)")
    set(ABLAZE_JPEG_FLAGS -ljpeg)  # a user of the shared library needs no libjpeg.pc
  elseif(ABLAZE_JPEG STREQUAL ON)
    message(FATAL_ERROR "ABLAZE_JPEG is ON, but libjpeg-turbo was not found. "
      "On Debian and Ubuntu: apt install libjpeg-dev; elsewhere set JPEG_ROOT, or ABLAZE_JPEG to OFF.")
  else()
    message(STATUS "libjpeg-turbo was not found: stb_image decodes JPEGs, with other roundings than Pillow and PyTorch")
  endif()
endif()
