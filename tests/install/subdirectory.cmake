# A consumer that adds the source folder to its own build. That the library alone is built is checked
# at configure time; compiling it all again would only repeat the build that this test belongs to. Without
# libjpeg-turbo, since the other consumers are with it where it is there.
file(REMOVE_RECURSE ${WORK_DIR})
execute_process(COMMAND ${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK_DIR} -G ${GENERATOR}
    -DABLAZE_SOURCE_DIR=${SOURCE_DIR} -DABLAZE_JPEG=OFF -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
  COMMAND_ERROR_IS_FATAL ANY)
