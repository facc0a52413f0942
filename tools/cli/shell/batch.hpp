#pragma once

#include <cstddef>
#include <functional>

#include "cli/shell/inputs.hpp"
#include "cli/shell/progress_bar.hpp"

namespace ablaze::cli {

/// Runs `work` for every input found, with a progress bar. Lists failures (including those of find_inputs) at
/// the end; stops at once at a UsageError. Returns a Status.
int work_through(const FoundInputs& found, ProgressBar& bar,
                 const std::function<void(std::size_t input)>& work);

}  // namespace ablaze::cli
