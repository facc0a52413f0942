# PROGRAM PHOTO must succeed (which CTest's own PASS_REGULAR_EXPRESSION would not look at) and print EXPECTED.
execute_process(COMMAND ${PROGRAM} ${PHOTO} OUTPUT_VARIABLE output RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}")
endif()
if(NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "${PROGRAM} printed\n${output}\nand not\n${EXPECTED}")
endif()
