# A consumer without CMake: one command line from pkg-config.
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
set(ENV{PKG_CONFIG_PATH} ${PREFIX}/${LIBDIR}/pkgconfig)

function(ask_pkg_config result)
  execute_process(COMMAND ${PKG_CONFIG} ${ARGN} ablaze
    OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(answer UNIX_COMMAND "${answer}")
  set(${result} ${answer} PARENT_SCOPE)
endfunction()

ask_pkg_config(cflags --cflags)
ask_pkg_config(weights --variable=weightsdir)
if(LIBRARY STREQUAL static)
  ask_pkg_config(libs --libs --static)
  # The folder holds both libraries, and the linker would take the shared one.
  list(TRANSFORM libs REPLACE "^-lablaze$" "-l:libablaze.a")
else()
  ask_pkg_config(libs --libs)
  set(ENV{LD_LIBRARY_PATH} ${PREFIX}/${LIBDIR})
endif()

separate_arguments(flags UNIX_COMMAND "${CXX_FLAGS}")
execute_process(COMMAND ${CXX} -std=c++20 ${flags} ${cflags} ${CONSUMER}/main.cpp -o ${WORK_DIR}/consumer ${libs}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK_DIR}/consumer ${weights}/resnet18_thin-imagenette.safetensors
  COMMAND_ERROR_IS_FATAL ANY)
