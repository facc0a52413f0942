#include <ablaze/error.hpp>
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
  const Shape& shape = session.shapes[static_cast<std::size_t>(from)];
  const std::int64_t batch = replacement.rank() > 0 ? replacement.dim(0) : 0;
  if (batch < 1 || replacement.shape() != session.shape_for(from, batch)) {
    throw Error("layer " + std::string(layer) + " is " + to_string(shape) +
                " (any batch); its replacement is " + to_string(replacement.shape()));
  }
  if (shape[0] != 1 && shape[0] != batch) {
    throw Error("the trace holds " + std::to_string(shape[0]) + " images; a replacement of " +
                std::to_string(batch) + " does not fit");
  }
  return runtime::Tail(*impl_, from, batch).run(replacement.data());
}

}  // namespace ablaze
