# Files of `cmake --install`: headers, both libraries, the program, the shipped weights, the CMake package and the
# pkg-config file.
include(CMakePackageConfigHelpers)

set(ABLAZE_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/ablaze)
set(ABLAZE_INSTALL_WEIGHTSDIR ${CMAKE_INSTALL_DATADIR}/ablaze/weights)

install(DIRECTORY include/ablaze DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY weights/ DESTINATION ${ABLAZE_INSTALL_WEIGHTSDIR} FILES_MATCHING PATTERN "*.safetensors")
if(TARGET ablaze_program)
  install(TARGETS ablaze_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES tools/man/ablaze.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES src/image/font/OFL.txt DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.Inter)

# One export set per library, so that a consumer of the shared one does not need the static one's
# dependencies.
foreach(kind IN ITEMS static shared)
  install(TARGETS ablaze_${kind} EXPORT ablaze-${kind}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ablaze-${kind} NAMESPACE ablaze:: DESTINATION ${ABLAZE_INSTALL_CMAKEDIR})
endforeach()

configure_package_config_file(tools/cmake/ablaze-config.cmake.in ablaze-config.cmake
  INSTALL_DESTINATION ${ABLAZE_INSTALL_CMAKEDIR}
  PATH_VARS ABLAZE_INSTALL_WEIGHTSDIR)
write_basic_package_version_file(ablaze-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ablaze-config.cmake ${PROJECT_BINARY_DIR}/ablaze-config-version.cmake
  DESTINATION ${ABLAZE_INSTALL_CMAKEDIR})

# pkg-config finds its prefix relative to the file, so that an installed tree may be moved.
file(RELATIVE_PATH ABLAZE_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(tools/cmake/ablaze.pc.in ablaze.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ablaze.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
