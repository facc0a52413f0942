#include <algorithm>
#include <numeric>

#include "runtime/lowering/lower.hpp"

namespace ablaze::runtime {
namespace {

/// The lifetime of a storage: its first and last step, both included. Step -1 stands for the caller, before
/// the first step.
struct Life {
  int begin = 0, end = 0;
  std::uint64_t floats = 0;
  std::uint64_t offset = 0;
  bool used = false;
};

bool overlap(const Life& a, const Life& b) { return a.begin <= b.end && b.begin <= a.end; }

std::vector<Life> lives(const Program& program, std::span<const ValueId> untouchable) {
  std::vector<Life> life(program.values.size());
  const auto touch = [&](ValueId id, int step) {
    if (id == kNone) return;
    const Value& value = program.value(id);
    if (value.arena != Arena::own) return;
    Life& l = life[value.storage];
    if (!l.used) l.begin = l.end = step;
    l.used = true;
    l.begin = std::min(l.begin, step);
    l.end = std::max(l.end, step);
    l.floats = std::max(l.floats, static_cast<std::uint64_t>(value.floats()));
  };
  touch(program.input, -1);
  const int steps = static_cast<int>(program.steps.size());
  for (int s = 0; s < steps; ++s) {
    const Step& step = program.steps[s];
    for (const ValueId id : {step.in, step.other, step.out, step.before_relu, step.scratch}) touch(id, s);
  }
  // The leading steps are repeated for each image; a value of the whole batch must outlive all repetitions.
  const int leading = static_cast<int>(program.leading_steps);
  for (std::size_t id = 0; id < life.size(); ++id) {
    if (!life[id].used || life[id].begin >= leading || program.values[id].leading) continue;
    life[id].begin = std::min(life[id].begin, 0);
    life[id].end = std::max(life[id].end, leading - 1);
  }
  for (const ValueId id : untouchable) touch(id, steps);
  return life;
}

/// Places the storages of the leading values, or all others. Returns their size in floats.
std::uint64_t place(const Program& program, std::vector<Life>& life, bool leading) {
  constexpr std::uint64_t line = 16;  // floats; every value begins on a cache line
  std::vector<std::size_t> order(life.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return life[a].floats > life[b].floats; });

  std::uint64_t floats = 0;
  std::vector<std::size_t> placed;
  for (const std::size_t id : order) {
    if (!life[id].used || program.values[id].leading != leading) continue;
    life[id].floats = (life[id].floats + line - 1) / line * line;
    std::vector<std::size_t> rivals;
    std::ranges::copy_if(placed, std::back_inserter(rivals),
                         [&](std::size_t other) { return overlap(life[id], life[other]); });
    std::ranges::sort(rivals, {}, [&](std::size_t other) { return life[other].offset; });
    std::uint64_t offset = 0;
    for (const std::size_t other : rivals) {
      if (offset + life[id].floats <= life[other].offset) break;
      offset = std::max(offset, life[other].offset + life[other].floats);
    }
    life[id].offset = offset;
    floats = std::max(floats, offset + life[id].floats);
    placed.push_back(id);
  }
  return floats;
}

}  // namespace

void plan_memory(Program& program, std::span<const ValueId> untouchable, int threads) {
  std::vector<Life> life = lives(program, untouchable);
  const std::uint64_t shared = place(program, life, false);
  program.leading_floats = place(program, life, true);
  program.arena_floats = shared + program.leading_floats * static_cast<std::uint64_t>(threads);
  for (Value& value : program.values) {
    if (value.arena != Arena::own) continue;
    value.offset = life[value.storage].offset + (value.leading ? shared : 0);
  }
}

}  // namespace ablaze::runtime
