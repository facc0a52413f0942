#pragma once

#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/machine.hpp>

namespace ablaze::testing {

/// The instruction sets of this machine, the best first.
inline std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::avx512, Isa::avx2, Isa::baseline}) {
    try {
      resolve_isa(isa);
      isas.push_back(isa);
    } catch (const UsageError&) {  // not available on this processor
    }
  }
  return isas;
}

}  // namespace ablaze::testing
