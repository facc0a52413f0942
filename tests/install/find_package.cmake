# A consumer that finds the installed CMake package.
file(REMOVE_RECURSE ${WORK_DIR})
execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${CONSUMER} ${WORK_DIR}
    --build-generator ${GENERATOR} --build-options
      -DCMAKE_PREFIX_PATH=${PREFIX} -DLIBRARY=${LIBRARY} -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_FLAGS=${CXX_FLAGS}
      -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
    --test-command ${CMAKE_CTEST_COMMAND} --output-on-failure
  COMMAND_ERROR_IS_FATAL ANY)
