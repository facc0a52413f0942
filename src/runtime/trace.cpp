#include <ablaze/session.hpp>

#include "runtime/compiled_network.hpp"

namespace ablaze {

Trace::Trace(std::unique_ptr<runtime::RunState> impl) : impl_(std::move(impl)) {}
Trace::Trace(Trace&&) noexcept = default;
Trace& Trace::operator=(Trace&&) noexcept = default;
Trace::~Trace() = default;

Tensor Trace::logits() const { return impl_->read(impl_->session->graph.output()); }

Tensor Trace::activation(std::string_view layer) const {
  return impl_->read(impl_->session->kept_node(layer));
}

Tensor Trace::resume(std::string_view layer, const Tensor& replacement) const {
  const runtime::CompiledNetwork& session = *impl_->session;
  const NodeId from = session.kept_node(layer);
  session.require_replacement(from, layer, replacement.shape());
  return runtime::Tail(*impl_, from, replacement.dim(0)).run(replacement.data());
}

}  // namespace ablaze
