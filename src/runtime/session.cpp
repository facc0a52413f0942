#include <algorithm>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/run_state.hpp"

namespace ablaze {

Session::Session(const Graph& graph, SessionOptions options)
    : impl_(std::make_shared<const runtime::SessionState>(graph, std::move(options))) {}

Trace Session::run(const Tensor& input) const {
  Trace trace(std::make_unique<runtime::RunState>(impl_));
  run(input, trace);
  return trace;
}

void Session::run(const Tensor& input, Trace& trace) const {
  if (input.shape() != impl_->network.options.input) {
    throw Error("the session was compiled for an input of " + to_string(impl_->network.options.input) +
                ", not " + to_string(input.shape()));
  }
  run(input.values(), trace);
}

void Session::run(std::span<const float> input, Trace& trace) const {
  const std::int64_t expected = element_count(impl_->network.options.input);
  if (std::ssize(input) != expected) {
    throw Error("the session was compiled for an input of " + to_string(impl_->network.options.input) + ", " +
                std::to_string(expected) + " numbers; the buffer has " + std::to_string(input.size()));
  }
  if (trace.impl_ == nullptr || trace.impl_->session() != impl_)
    throw UsageError("the trace belongs to another session");
  trace.impl_->run(input.data());
}

Shape Session::layer_shape(std::string_view layer) const {
  return impl_->network.shapes[impl_->network.graph.find(layer)];
}

const SessionOptions& Session::options() const { return impl_->network.options; }

std::vector<StepInfo> Session::steps() const {
  std::vector<StepInfo> infos;
  for (const runtime::Step& step : impl_->network.program.steps) {
    StepInfo info;
    info.name = impl_->network.graph.node(step.last).name;
    info.kind = step.description;
    if (step.kind == runtime::Step::Kind::winograd) {
      info.algorithm = std::string("winograd ") + (step.choice.side == 4 ? "4x4" : "2x2") +
                       (step.choice.block_tiles > 0 ? ", blocks" : ", phases");
    }
    if (step.kind == runtime::Step::Kind::convolution) {
      const auto& in = impl_->network.program.value(step.in);
      info.algorithm = in.layout == runtime::Layout::planar ? "direct, planar input" : "direct";
      if (step.packed->group_inputs > 0) info.algorithm = "direct, narrow groups";
      if (step.packed->halves.size() > 0) info.algorithm = "direct, half-precision weights";
    }
    info.output = impl_->network.shapes[step.last];
    info.multiply_adds = step.multiply_adds;
    infos.push_back(std::move(info));
  }
  return infos;
}

std::vector<double> Session::profile(const Tensor& input, int repeats) const {
  if (repeats < 1) throw UsageError("a profile needs at least one run");
  Trace trace = run(input);  // warms the caches and touches the pages
  const std::size_t steps = impl_->network.program.steps.size();
  std::vector<std::vector<double>> times(steps);
  std::vector<double> one(steps);
  for (int r = 0; r < repeats; ++r) {
    trace.impl_->run(input.data(), one.data());
    for (std::size_t s = 0; s < steps; ++s) times[s].push_back(one[s]);
  }
  for (std::size_t s = 0; s < steps; ++s) {
    std::ranges::nth_element(times[s], times[s].begin() + repeats / 2);
    one[s] = times[s][repeats / 2];
  }
  return one;
}

std::uint64_t Session::packed_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [node, packed] : impl_->network.store) bytes += packed->bytes();
  return bytes + impl_->gradients.packed_bytes();
}

std::uint64_t Session::activation_bytes() const {
  return impl_->network.program.arena_floats * sizeof(float);
}

}  // namespace ablaze
