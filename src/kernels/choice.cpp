#include "kernels/choice.hpp"

#include <algorithm>
#include <cstdlib>

namespace ablaze::kernels {

Choice choose(const Convolution3x3& shape, Isa isa) {
  (void)isa;
  const int tiles = shape.batch * ((shape.out_h + 3) / 4) * ((shape.out_w + 3) / 4);
  // TUNE
  static const int mode = std::getenv("WINO") ? std::atoi(std::getenv("WINO")) : -1;
  static const int bt = std::getenv("WINO_BT") ? std::atoi(std::getenv("WINO_BT")) : 14;
  if (mode == 0) return {};
  if (mode == 1) return {true, bt, 0};
  if (mode == 2) return {true, 0, 256};
  if (tiles < 12) return {};
  if (tiles >= 100) return {true, 14, 0};
  return {true, 0, 256};
}

}  // namespace ablaze::kernels
