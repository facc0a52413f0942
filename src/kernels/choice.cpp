#include "kernels/choice.hpp"

#include "kernels/kernels.hpp"

namespace ablaze::kernels {

Choice choose(const Convolution3x3& shape, Isa isa) {
  // Below 12 tiles (a 7x7 map has 4) streaming weights four times as large is expected to cost more than the
  // multiplications saved; bench/README.md holds no figure for it yet. The baseline, whose results
  // conversions carry as their self-test, stays direct.
  const int tiles = shape.batch * ((shape.out_h + 3) / 4) * ((shape.out_w + 3) / 4);
  if (isa == Isa::baseline || tiles < 12 || shape.in_channels < 16) return {};
  // Blocks of 14 tiles (one row of a register tile) while there are plenty; below, each block would stream
  // all weights for little, so the phases stream them once.
  if (tiles >= 100 && shape.in_channels <= 256) return {true, 14, 0};
  return {true, 0, 256};
}

bool narrow(int group_inputs, int group_outputs) {
  const bool divides = group_inputs <= 8 && kBlock % group_inputs == 0 && group_outputs % group_inputs == 0;
  return divides && (kBlock % group_outputs == 0 || group_outputs % kBlock == 0);
}

}  // namespace ablaze::kernels
