#include "speed/isa_yardsticks.hpp"

namespace ablaze::testing {

extern const Yardsticks yardsticks_avx512;
const Yardsticks yardsticks_avx512 = kYardsticks;

}  // namespace ablaze::testing
