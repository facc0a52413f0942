#pragma once

#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/isa.hpp>

namespace ablaze::testing {

/// The instruction sets that this machine has, the best first.
inline std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::avx512, Isa::avx2, Isa::baseline}) {
    try {
      resolve_isa(isa);
      isas.push_back(isa);
    } catch (const UsageError&) {  // this processor lacks it
    }
  }
  return isas;
}

}  // namespace ablaze::testing
