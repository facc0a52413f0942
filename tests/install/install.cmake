# Installs BUILD_DIR, which is built already, into PREFIX, and looks whether the parts are there.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${PREFIX}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE installed RELATIVE ${PREFIX} ${PREFIX}/*)
foreach(part IN ITEMS bin/ablaze include/ablaze/ablaze.hpp libablaze.a libablaze.so ablaze-config.cmake ablaze.pc
                      weights/resnet18_thin-imagenette.safetensors LICENSE)
  if(NOT "${installed}" MATCHES "(^|;|/)${part}(;|$)")
    message(FATAL_ERROR "${part} was not installed; what was: ${installed}")
  endif()
endforeach()

# What a consumer reads must work on a machine that has no build tree.
foreach(file IN LISTS installed)
  if(file MATCHES "\\.(cmake|pc|hpp)$")
    file(READ ${PREFIX}/${file} content)
    string(FIND "${content}" "${BUILD_DIR}" build_place)
    string(FIND "${content}" "ablaze_flags" internal_place)
    if(NOT build_place EQUAL -1 OR NOT internal_place EQUAL -1)
      message(FATAL_ERROR "${file} names the build folder or an internal target")
    endif()
  endif()
endforeach()

# The program finds its own weights from where it was put.
execute_process(COMMAND ${CMAKE_COMMAND} -E env --unset=ABLAZE_WEIGHTS ${PREFIX}/bin/ablaze inspect
  ${PREFIX}/share/ablaze/weights/resnet18_thin-imagenette.safetensors --verify
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
