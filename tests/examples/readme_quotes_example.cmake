# The lines of EXAMPLE between "README: begin" and "README: end", less the function's indentation, must
# stand in README as they are.
file(READ ${EXAMPLE} example)
file(READ ${README} readme)

if(NOT example MATCHES "// README: begin\n(.*)\n *// README: end")
  message(FATAL_ERROR "${EXAMPLE}: expected lines between `// README: begin` and `// README: end`")
endif()
string(REPLACE "\n  " "\n" quote "\n${CMAKE_MATCH_1}")

string(FIND "${readme}" "${quote}\n" place)
if(place EQUAL -1)
  message(FATAL_ERROR "${README} does not quote ${EXAMPLE} any more. Copy these lines into it:\n${quote}")
endif()
