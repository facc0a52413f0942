#include <set>

#include "runtime/lowering/lowering.hpp"

namespace ablaze::runtime {
namespace {

std::ptrdiff_t floats_of_an_image(const Program& program, const Step& step) {
  std::ptrdiff_t floats = 0;
  for (const ValueId id : {step.in, step.other, step.out, step.before_relu}) {
    if (id == kNone) continue;
    const Value& value = program.value(id);
    floats += value.floats() / value.extent.batch;
  }
  return floats;
}

bool flat(const Program& program, const Step& step) {
  const auto is_flat = [&](ValueId id) {
    return id != kNone && program.value(id).layout == Layout::features;
  };
  return is_flat(step.in) || is_flat(step.other) || is_flat(step.out);
}

/// A leading step finds its values in the cache but reads its weights again for each image. The number of
/// leading steps maximises the floats of values minus the floats of weights.
std::size_t count_leading(const Program& program) {
  std::ptrdiff_t saved = 0, most = 0;
  std::size_t count = 0;
  for (std::size_t s = 0; s < program.steps.size() && !flat(program, program.steps[s]); ++s) {
    const Step& step = program.steps[s];
    saved += floats_of_an_image(program, step);
    saved -= step.weight_floats;
    if (saved > most) most = saved, count = s + 1;
  }
  return count;
}

/// Sets the schedule for one image and one thread, without changing the algorithm.
void schedule(Program& program, Step& step, Isa isa) {
  const Value& in = program.value(step.in);
  const Value& out = program.value(step.out);
  const kernels::Choice alone =
      kernels::choose({1, in.extent.channels, out.extent.channels, step.geometry.outputs_h(in.extent.h),
                       step.geometry.outputs_w(in.extent.w)},
                      isa, 1);
  const bool same = alone.winograd && alone.side == step.choice.side;
  step.choice.block_tiles = same ? alone.block_tiles : 0;
  add_winograd_scratch(program, step, 1, 1);
  program.value(step.scratch).leading = true;
}

}  // namespace

void lead(Program& program, const LoweringJob& job, std::span<const ValueId> kept) {
  const int batch = program.value(program.input).extent.batch;
  // If a few threads would process one more image than the others in a small batch, all share each image.
  const bool even = batch % job.execution.threads == 0 || batch >= 4 * job.execution.threads;
  if (batch == 1 || !even) return;
  program.leading_steps = count_leading(program);

  std::set<ValueId> whole{program.input, program.output};
  whole.insert(kept.begin(), kept.end());
  for (std::size_t s = program.leading_steps; s < program.steps.size(); ++s)
    whole.insert({program.steps[s].in, program.steps[s].other});
  for (std::size_t s = 0; s < program.leading_steps; ++s) {
    Step& step = program.steps[s];
    for (const ValueId id : {step.out, step.before_relu}) {
      if (id == kNone || whole.contains(id)) continue;
      Value& value = program.value(id);
      value.leading = true;
      value.extent.batch = 1;
    }
    if (step.kind == Step::Kind::winograd) schedule(program, step, job.execution.isa);
  }
}

}  // namespace ablaze::runtime
