#pragma once

#include <span>

#include "runtime/lowering/job.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// The program of a job. Throws Error for what the engine does not support.
Program lower(const LoweringJob& job);

/// Gives a Winograd step on `images` images its phases and its working memory: one block a thread, or one
/// chunk for all.
void add_winograd_scratch(Program& program, Step& step, int images, int threads);

/// Gives every storage of the program's own arena its offset: greedily, the largest first, into the lowest
/// gap that is free while the storage lives. Kept and caller-filled values are never overwritten.
void plan_memory(Program& program, std::span<const ValueId> untouchable, int threads);

}  // namespace ablaze::runtime
