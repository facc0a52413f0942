#include "speed/yardsticks.hpp"

namespace ablaze::testing {

extern const Yardsticks yardsticks_avx2, yardsticks_avx512;

const Yardsticks& yardsticks(Isa isa) { return isa == Isa::avx512 ? yardsticks_avx512 : yardsticks_avx2; }

}  // namespace ablaze::testing
