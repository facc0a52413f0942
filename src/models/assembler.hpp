#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/graph.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::models {

using TensorMap = std::map<std::string, Weight>;

/// A size left open by names and shapes: matches any size.
inline constexpr std::int64_t kAny = 0;

/// The value passed from layer to layer while a network is built.
struct Flow {
  NodeId node = 0;
  std::int64_t channels = kAny;
};

struct ConvSpec {
  int kernel = 3;
  int stride = 1;
  int padding = 1;
  int groups = 1;
  bool bias = false;
  std::int64_t outputs = kAny;  ///< the required outputs, where other layers determine them
  int width = 0;  ///< of a kernel that is not square, `kernel` high and padded by half its size; 0: square
};

/// Some channels of a flow at their places in a result: channel c of the result is channel from[c] of the
/// flow, or not this flow's where from[c] is -1.
struct ChannelPart {
  Flow flow;
  std::vector<int> from;
};

/// Builds a graph from named tensors and checks each tensor's shape against its input.
///
/// A missing tensor is only recorded, and its sizes count as unknown (kAny), so that finish() can report all
/// missing tensors in one error.
class Assembler {
 public:
  /// `file` is for error messages; both must outlive the assembler.
  Assembler(const TensorMap& tensors, std::string file);

  /// The graph's input: images of three channels, of any size.
  Flow input();
  Flow conv(const std::string& name, Flow from, const ConvSpec& spec);
  /// A convolution of each channel by itself; `spec` gives its kernel, stride and padding.
  Flow depthwise(const std::string& name, Flow from, ConvSpec spec);
  Flow batch_norm(const std::string& name, Flow from, double epsilon = 1e-5);
  Flow linear(const std::string& name, Flow from);
  /// Any operator without weights that preserves the channels.
  Flow plain(const std::string& name, Op op, Flow from);
  /// The sum of two flows.
  Flow add(const std::string& name, Flow a, Flow b);
  /// Each channel times its factor: `gate` has one number per channel.
  Flow scale(const std::string& name, Flow x, Flow gate);
  /// Channels of several flows side by side, each of the result's channels from one of them; all parts have
  /// a `from` of the same length.
  Flow arrange(const std::string& name, const std::vector<ChannelPart>& parts);
  /// All channels of several flows, one flow after the other.
  Flow concat(const std::string& name, const std::vector<Flow>& parts);
  void alias(const std::string& name, Flow flow) { graph_.alias(name, flow.node); }

  /// The shape of a tensor; empty where it does not exist.
  Shape shape(const std::string& name) const;
  bool contains(const std::string& name) const { return tensors_->contains(name); }
  const TensorMap& tensors() const { return *tensors_; }
  const std::string& file() const { return file_; }

  /// Accepts tensors whose names begin with `prefix` although the network does not use them. Returns their
  /// number.
  int leave_out(const std::string& prefix);

  /// The finished graph. Throws Error naming missing and unused tensors (except BatchNorm's
  /// num_batches_tracked).
  Graph finish();

  /// Throws Error where a layer would have more channels than are copied or convolved one by one.
  void check_channels(const std::string& name, std::int64_t channels) const;

  /// Throws Error: the shape of `name` differs from `expected` (kAny is written "any").
  [[noreturn]] void wrong_shape(const std::string& name, const Shape& expected) const;

 private:
  Weight take(const std::string& name, const Shape& expected);
  void check_groups(const std::string& name, std::int64_t channels, int groups) const;

  const TensorMap* tensors_;
  std::string file_;
  Graph graph_;
  std::set<std::string> taken_;
  std::vector<std::string> missing_;
};

}  // namespace ablaze::models
