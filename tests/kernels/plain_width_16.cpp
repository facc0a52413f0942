#define ABLAZE_PLAIN_WIDTH 16
#define ABLAZE_ISA_TABLE table_plain_16
#define ABLAZE_ISA_NAME "plain"
#include "kernels/isa_kernels.hpp"
