#pragma once

#include <string>
#include <string_view>

namespace ablaze {

/// Instruction sets that the kernels are built for. `automatic` takes the best that this processor
/// has, or what the environment variable ABLAZE_ISA names.
enum class Isa { automatic, avx512, avx2, baseline };
std::string to_string(Isa isa);  ///< "auto", "avx512", ...
/// Throws UsageError for an unknown name.
Isa parse_isa(std::string_view name);
/// What `automatic` (or a wish) becomes here. Throws UsageError where the processor lacks it.
Isa resolve_isa(Isa wish);

}  // namespace ablaze
