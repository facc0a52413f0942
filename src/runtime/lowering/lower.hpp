#pragma once

#include <span>

#include "runtime/lowering/job.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// Compiles a job's program. Throws Error for unsupported operators.
Program lower(const LoweringJob& job);

/// Sets the phases and the working memory of a Winograd step on `images` images: one block per thread, or one
/// chunk for all threads.
void add_winograd_scratch(Program& program, Step& step, int images, int threads);

/// Assigns an offset to every storage of the program's own arena: greedily, the largest first, in the lowest
/// gap that is free for the storage's lifetime. `untouchable` values (kept, written by the caller) are never
/// overwritten.
void plan_memory(Program& program, std::span<const ValueId> untouchable, int threads);

}  // namespace ablaze::runtime
