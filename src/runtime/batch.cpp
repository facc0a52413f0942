#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/lowering/lower.hpp"
#include "runtime/session_state.hpp"

namespace ablaze {
namespace {

using runtime::CompiledNetwork;

Shape input_of(const CompiledNetwork& network, std::int64_t size) { return network.shape_for(0, size); }

/// Lowers the whole network for another batch, without kept values. It fuses the same nodes as the session's
/// program, because the BatchNorms are already folded into the shared weights.
/// pack: false only measures; the program cannot run.
runtime::Program compile(const CompiledNetwork& network, std::int64_t size, bool pack) {
  runtime::LoweringJob job = network.job(runtime::LoweringJob::Kind::batch, size);
  runtime::WeightStore weights = network.store;  // shares them
  job.store = &weights;
  job.pack = pack;
  return runtime::lower(job);
}

std::uint64_t bytes_of(const CompiledNetwork& network, const runtime::Program& program, std::int64_t size) {
  const auto inputs = static_cast<std::uint64_t>(element_count(input_of(network, size)));
  return (program.arena_floats + inputs) * sizeof(float) + program.packed_bytes;
}

}  // namespace

struct Batch::Impl {
  std::shared_ptr<const runtime::SessionState> session;
  std::int64_t size;
  runtime::Program program;
  Tensor inputs;
  Tensor arena;
  runtime::Memory memory;
  runtime::BoundProgram bound;

  Impl(std::shared_ptr<const runtime::SessionState> of, std::int64_t images, runtime::Program compiled)
      : session(std::move(of)),
        size(images),
        program(std::move(compiled)),
        inputs(input_of(network(), size)),
        arena({static_cast<std::int64_t>(program.arena_floats)}),
        memory{arena.data(), nullptr},
        bound(network().bind(program, memory)) {}

  const CompiledNetwork& network() const { return session->network; }
};

Batch::Batch(const Session& session, std::int64_t size) {
  if (size < 1) throw UsageError("a batch needs at least one input");
  const CompiledNetwork& network = session.impl_->network;
  runtime::Program program = compile(network, size, true);
  const std::uint64_t bytes = bytes_of(network, program, size);
  if (bytes > network.options.execution.memory_limit) {
    throw Error("a batch of " + std::to_string(size) + " inputs of " + to_string(network.options.input) +
                " takes " + std::to_string(bytes >> 20) + " MiB, more than the limit of " +
                std::to_string(network.options.execution.memory_limit >> 20) +
                " MiB; use a smaller batch, or allow more memory");
  }
  impl_ = std::make_unique<Impl>(session.impl_, size, std::move(program));
}

Batch Batch::within(const Session& session, std::uint64_t bytes, std::int64_t most) {
  const CompiledNetwork& network = session.impl_->network;
  std::int64_t size = 1;
  while (2 * size <= most && bytes_of(network, compile(network, 2 * size, false), 2 * size) <= bytes)
    size *= 2;
  return Batch(session, size);
}

Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

std::int64_t Batch::size() const { return impl_->size; }

std::uint64_t Batch::bytes() const { return bytes_of(impl_->network(), impl_->program, impl_->size); }

Tensor& Batch::inputs() { return impl_->inputs; }

Tensor Batch::run() {
  impl_->bound.run(impl_->inputs.data());
  const CompiledNetwork& network = impl_->network();
  Tensor logits(network.shape_for(network.graph.output(), impl_->size));
  runtime::read_value(impl_->program.value(impl_->program.output), impl_->memory, logits.data());
  return logits;
}

}  // namespace ablaze
