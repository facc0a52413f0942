#include <algorithm>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/session_state.hpp"

// The steps and the cost of an ablation, computed from shapes only.

namespace ablaze::runtime {
namespace {

class Planner {
 public:
  Planner(const CompiledNetwork& network, NodeId layer)
      : network_(network), layer_(layer), channels_(shape(layer)[1]) {
    plan_.layer = network.graph.node(layer).name;
    plan_.layer_shape = {shape(layer)[1], shape(layer)[2], shape(layer)[3]};
    const std::vector<bool> behind = network.graph.downstream(layer);
    for (NodeId id = 1; id < network.graph.size(); ++id) {
      if (!network.needed[id]) continue;
      plan_.rerun_network += channels_ * of_one_image(id);
      if (behind[id] && id != layer) plan_.rerun_tail += channels_ * of_one_image(id);
    }
  }

  AblationPlan run() {
    if (network_.options.keep_preactivations) {
      follow(compile_delta_program(network_, layer_, true, false));
    } else {
      plan_.method = AblationMethod::rerun;
      add(network_.graph.output(), AblationStep::Kind::dense, "all operators behind the layer",
          plan_.rerun_tail);
    }
    for (const AblationStep& step : plan_.steps) plan_.multiply_adds += step.multiply_adds;
    return std::move(plan_);
  }

 private:
  const Shape& shape(NodeId id) const { return network_.shapes[id]; }
  std::int64_t of_one_image(NodeId id) const {
    return multiply_adds(network_.graph, id, network_.shapes) / shape(0)[0];
  }
  void add(NodeId node, AblationStep::Kind kind, std::string operation, std::int64_t count) {
    plan_.steps.push_back({network_.graph.node(node).name, kind, std::move(operation), count});
  }

  void follow(const DeltaProgram& program) {
    const Route& route = program.route;
    plan_.method = route.closed_form() ? AblationMethod::closed_form : AblationMethod::deltas;
    for (const NodeId id : route.local) {
      // For all channels together, a channel-local operator costs one ordinary pass.
      if (id != layer_)
        add(id, AblationStep::Kind::channel_local, std::string(op_name(network_.graph.node(id).op)),
            of_one_image(id));
    }
    if (!route.closed_form()) {
      plan_.batch = program.batch;
      plan_.bytes = program.bytes;
      plan_.packed_bytes = program.packed_bytes;
      for (const Step& step : program.code->steps) add_step(*program.code, step, program.batch);
    }
    if (!route.through_head) return;
    const Shape& read = shape(network_.head_input);
    if (route.closed_form()) return add(network_.head, AblationStep::Kind::closed_form, "one row", read[1]);
    add(network_.head, AblationStep::Kind::last_linear, "one row", channels_ * read[1]);
  }

  void add_step(const Program& code, const Step& step, std::int64_t batch) {
    const bool mixes = code.value(step.in).arena == Arena::planes;
    std::string operation = step.description;
    if (step.kind == Step::Kind::winograd) operation += " (Winograd)";
    if (step.kind == Step::Kind::gathered_linear || step.kind == Step::Kind::gathered_convolution)
      operation += " (without dead columns)";
    add(step.last, mixes ? AblationStep::Kind::first_mixing : AblationStep::Kind::dense, std::move(operation),
        step.multiply_adds / batch * channels_);
  }

  const CompiledNetwork& network_;
  NodeId layer_;
  std::int64_t channels_;
  AblationPlan plan_;
};

}  // namespace
}  // namespace ablaze::runtime

namespace ablaze {

AblationPlan Session::plan_ablation(std::string_view layer) const {
  const NodeId node = impl_->network.kept_node(layer);
  runtime::require_channels(impl_->network, node, layer);
  return runtime::Planner(impl_->network, node).run();
}

void Session::prepare_ablation(std::string_view layer) const {
  const NodeId node = impl_->network.kept_node(layer);
  runtime::require_channels(impl_->network, node, layer);
  if (impl_->network.options.keep_preactivations) impl_->deltas.find(node, true);
}

}  // namespace ablaze
