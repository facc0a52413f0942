#define ABLAZE_PLAIN_WIDTH 1
#define ABLAZE_ISA_TABLE table_plain_1
#define ABLAZE_ISA_NAME "plain"
#include "kernels/isa_kernels.hpp"
