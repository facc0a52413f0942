// The table of the fast kernels. Each isa_*.cpp includes it, names the table and sets its instruction set's
// compiler flags.
#pragma once

#include "kernels/isa_backward.hpp"
#include "kernels/isa_convolution.hpp"
#include "kernels/isa_curves.hpp"
#include "kernels/isa_depthwise.hpp"
#include "kernels/isa_gemm.hpp"
#include "kernels/isa_linear.hpp"
#include "kernels/isa_peak.hpp"
#include "kernels/isa_plain.hpp"
#include "kernels/isa_winograd.hpp"

namespace ablaze::kernels {

extern const KernelTable ABLAZE_ISA_TABLE;
const KernelTable ABLAZE_ISA_TABLE{ABLAZE_ISA_NAME,
                                   kTileBlocks,
                                   Vector::widens,
                                   conv,
                                   narrow_conv,
                                   linear,
                                   winograd_input,
                                   winograd_multiply,
                                   winograd_output,
                                   winograd_block,
                                   max_pool,
                                   average_pool,
                                   adaptive_average_pool,
                                   elementwise,
                                   product,
                                   product_sum,
                                   linear_of_planes,
                                   linear_backward,
                                   max_pool_backward,
                                   average_pool_backward,
                                   adaptive_average_pool_backward,
                                   peak_loop};

}  // namespace ablaze::kernels
