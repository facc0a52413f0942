#include "runtime/ablation/delta_program.hpp"

#include <algorithm>

#include <ablaze/error.hpp>

#include "runtime/lowering/lower.hpp"

namespace ablaze::runtime {
namespace {

// Images per pass for states with a spatial extent: enough to read Winograd's weights rarely, few enough to
// keep the states near the caches.
constexpr std::int64_t kMostImages = 64;

class Compiler {
 public:
  Compiler(const CompiledNetwork& network, const Route& route) : network_(network), route_(route) {
    const Shape& layer = shape(route.from);
    channels_ = layer[1];
    const std::uint64_t trace = network.program.arena_floats * sizeof(float);
    const std::uint64_t limit = network.options.execution.memory_limit;
    budget_ = limit > trace ? limit - trace : 0;
  }

  DeltaProgram run(bool pack) {
    const Setting setting = choose();
    DeltaProgram result;
    result.route = route_;
    result.store = network_.store;
    result.batch = setting.batch;
    Program program = lower(setting, result.store, pack);
    result.bytes = run_bytes(program, setting.batch);
    result.packed_bytes = program.packed_bytes;
    result.code = std::make_shared<const Program>(std::move(program));
    return result;
  }

 private:
  struct Setting {
    std::int64_t batch = 1;
    bool transform = false;  // pack Winograd weights also if the whole network uses direct kernels
  };

  const Shape& shape(NodeId id) const { return network_.shapes[id]; }

  Program lower(const Setting& setting, WeightStore& store, bool pack) const {
    LoweringJob job = network_.job(LoweringJob::Kind::delta, setting.batch);
    job.store = &store;
    job.from = route_.from;
    job.whole = &network_.program;
    job.reach = route_.reach;
    job.result = route_.result;
    job.transform_weights = setting.transform;
    job.pack = pack;
    return runtime::lower(job);
  }

  std::uint64_t run_bytes(const Program& program, std::int64_t batch) const {
    const auto results =
        static_cast<std::uint64_t>(element_count(shape(route_.result)) / shape(route_.result)[0] * batch);
    return (program.arena_floats + program.plane_floats + results) * sizeof(float);
  }

  std::uint64_t bytes(const Setting& setting) const {
    WeightStore store = network_.store;
    const Program program = lower(setting, store, false);
    return run_bytes(program, setting.batch) + program.packed_bytes;
  }

  /// Whether a dense state has a spatial extent; its convolutions then run in small batches. Otherwise (the
  /// head of a VGG) reading the weights dominates, so one pass takes all channels.
  bool has_dense_planes() const {
    for (NodeId id = route_.from; id <= route_.result; ++id) {
      if (route_.reach_of(id) == DeltaReach::dense && shape(id).size() == 4) return true;
    }
    return false;
  }

  Setting choose() const {
    const std::int64_t most = has_dense_planes() ? std::min(kMostImages, channels_) : channels_;
    for (const bool transform : {true, false}) {
      for (std::int64_t batch = most; batch > (transform ? most / 4 : 0); batch = batch / 2) {
        const Setting setting{balanced(batch), transform};
        if (bytes(setting) <= budget_) return setting;
      }
    }
    const std::uint64_t least = bytes({1, false}) + (network_.options.execution.memory_limit - budget_);
    throw Error("propagating the changes of layer " + network_.graph.node(route_.from).name +
                " takes at least " + std::to_string((least + (1U << 20) - 1) >> 20) + " MiB; the limit is " +
                std::to_string(network_.options.execution.memory_limit >> 20) +
                " MiB: allow more memory or choose a later layer");
  }

  /// The same number of passes, of nearly equal size.
  std::int64_t balanced(std::int64_t batch) const {
    const std::int64_t passes = (channels_ + batch - 1) / batch;
    return (channels_ + passes - 1) / passes;
  }

  const CompiledNetwork& network_;
  const Route& route_;
  std::int64_t channels_ = 0;
  std::uint64_t budget_ = 0;
};

}  // namespace

DeltaProgram compile_delta_program(const CompiledNetwork& network, NodeId from, bool through_head,
                                   bool pack) {
  DeltaProgram result;
  result.route = find_route(network, from, through_head);
  if (result.route.closed_form()) return result;
  return Compiler(network, result.route).run(pack);
}

std::shared_ptr<const DeltaProgram> DeltaPrograms::find(NodeId from, bool through_head) const {
  const std::scoped_lock lock(mutex_);
  auto& compiled = programs_[{from, through_head}];
  if (compiled == nullptr) {
    compiled =
        std::make_shared<const DeltaProgram>(compile_delta_program(network_, from, through_head, true));
  }
  return compiled;
}

}  // namespace ablaze::runtime
