#define ABLAZE_PLAIN_WIDTH 4
#define ABLAZE_ISA_TABLE table_plain_4
#define ABLAZE_ISA_NAME "plain"
#include "kernels/isa_kernels.hpp"
