#define ABLAZE_ISA_TABLE table_avx2
#define ABLAZE_ISA_NAME "avx2"
#include "kernels/isa_kernels.hpp"
