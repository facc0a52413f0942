#define ABLAZE_ISA_TABLE table_avx512
#define ABLAZE_ISA_NAME "avx512"
#include "kernels/isa_kernels.hpp"
