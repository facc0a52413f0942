#pragma once

#include <cstddef>
#include <functional>

#include "cli/shell/inputs.hpp"
#include "cli/shell/progress_bar.hpp"

namespace ablaze::cli {

/// Does `work` for every input found, under the bar. What fails (and what find_inputs could not find) is
/// listed at the end, when the others are done; a UsageError ends it at once. Returns a Status.
int work_through(const FoundInputs& found, ProgressBar& bar,
                 const std::function<void(std::size_t input)>& work);

}  // namespace ablaze::cli
