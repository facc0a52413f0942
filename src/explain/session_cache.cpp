#include "explain/session_cache.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ablaze/error.hpp>

namespace ablaze::explain {

const Trace& Compiled::run(const Tensor& input) {
  if (trace_) {
    session_.run(input, *trace_);
  } else {
    trace_ = std::make_unique<Trace>(session_.run(input));
  }
  return *trace_;
}

SessionCache::SessionCache(Graph graph, SessionOptions options, std::size_t most)
    : graph_(std::move(graph)), options_(std::move(options)), most_(most) {}

Compiled& SessionCache::at(const Shape& input) {
  const auto held = std::find_if(latest_first_.begin(), latest_first_.end(), [&](const Compiled& compiled) {
    return compiled.session().options().input == input;
  });
  if (held != latest_first_.end()) {
    latest_first_.splice(latest_first_.begin(), latest_first_, held);
    return latest_first_.front();
  }
  // Evicts first, so that old and new weights are never in memory together.
  while (latest_first_.size() >= most_) latest_first_.pop_back();
  options_.input = input;
  latest_first_.emplace_front(Session(graph_, options_));
  return latest_first_.front();
}

namespace {

/// [1, H, W, C] -> [1, C, H, W]
Tensor channels_first(const Tensor& input) {
  const std::int64_t height = input.dim(1), width = input.dim(2), channels = input.dim(3);
  Tensor out({1, channels, height, width});
  const float* from = input.data();
  for (std::int64_t pixel = 0; pixel < height * width; ++pixel) {
    for (std::int64_t c = 0; c < channels; ++c) out.data()[c * height * width + pixel] = *from++;
  }
  return out;
}

}  // namespace

Tensor as_single_input(const Tensor& input, std::int64_t channels) {
  Shape shape = input.shape();
  if (shape.size() == 3) shape.insert(shape.begin(), 1);
  const std::string wanted = std::to_string(channels) + "xHxW";
  if (shape.size() != 4 || shape[0] != 1) {
    throw Error("expected one image as a tensor, 1x" + wanted + " or " + wanted + ", found " +
                to_string(input.shape()));
  }
  const auto values = input.values();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    throw Error("the input tensor has values that are not finite (nan or infinity)");
  }
  const bool last = shape[1] != channels && shape[3] == channels;
  return last ? channels_first(input.reshaped(std::move(shape))) : input.reshaped(std::move(shape));
}

}  // namespace ablaze::explain
