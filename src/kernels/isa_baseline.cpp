#define ABLAZE_ISA_TABLE table_baseline
#define ABLAZE_ISA_NAME "baseline"
#include "kernels/isa_kernels.hpp"
