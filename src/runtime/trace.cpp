#include <ablaze/session.hpp>

#include "runtime/run_state.hpp"

namespace ablaze {

Trace::Trace(std::unique_ptr<runtime::RunState> impl) : impl_(std::move(impl)) {}
Trace::Trace(Trace&&) noexcept = default;
Trace& Trace::operator=(Trace&&) noexcept = default;
Trace::~Trace() = default;

Tensor Trace::logits() const { return impl_->read(impl_->network().graph.output()); }

Tensor Trace::activation(std::string_view layer) const {
  return impl_->read(impl_->network().kept_node(layer));
}

void Trace::logits(std::span<float> to) const { impl_->read(impl_->network().graph.output(), to); }

void Trace::activation(std::string_view layer, std::span<float> to) const {
  impl_->read(impl_->network().kept_node(layer), to);
}

Tensor Trace::resume(std::string_view layer, const Tensor& replacement) const {
  const runtime::CompiledNetwork& network = impl_->network();
  const NodeId from = network.kept_node(layer);
  network.require_replacement(from, layer, replacement.shape());
  runtime::Tail tail(*impl_, from, replacement.dim(0));
  tail.run(replacement.data());
  return tail.logits();
}

}  // namespace ablaze
