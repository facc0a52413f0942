#include "speed/isa_yardsticks.hpp"

namespace ablaze::testing {

extern const Yardsticks yardsticks_avx2;
const Yardsticks yardsticks_avx2 = kYardsticks;

}  // namespace ablaze::testing
