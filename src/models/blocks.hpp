#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/graph.hpp>

#include "models/assembler.hpp"
#include "models/families.hpp"

namespace ablaze::models {

// What several of torchvision's families are made of.

Op relu6();
/// x / 6 + 1/2 between 0 and 1
Op hard_sigmoid();

/// A convolution padded by half its kernel, its BatchNorm, and maybe an activation.
struct NormedConv {
  int kernel = 3;
  int stride = 1;
  bool depthwise = false;
  int groups = 1;
  double epsilon = 1e-5;
  std::int64_t outputs = kAny;  ///< the required outputs, where other layers determine them
  std::optional<Op> activation{};
};

/// torchvision's Conv2dNormActivation: NAME.0, NAME.1 and, with an activation, NAME.2; NAME is the last.
Flow normed_conv(Assembler& a, const std::string& name, Flow from, const NormedConv& spec);

/// The same layers as children FIRST, FIRST + 1, ... of a longer sequence NAME.
Flow normed_conv_in(Assembler& a, const std::string& name, int first, Flow from, const NormedConv& spec);

/// torchvision's BasicConv2d of its Inceptions: NAME.conv, NAME.bn, and NAME, their ReLU.
Flow basic_conv(Assembler& a, const std::string& name, Flow from, const ConvSpec& spec);

/// Leaves out the heads that only training uses, with a note.
void leave_out_auxiliary_heads(Assembler& a, const std::vector<std::string>& heads, Network& network);

/// Assumes transform_input=True, with a note: the network turns ImageNet's normalisation into another.
void assume_transformed_input(Network& network);

/// torchvision's SqueezeExcitation: NAME.avgpool, fc1, activation, fc2, scale_activation; NAME is the
/// product.
Flow squeeze_excitation(Assembler& a, const std::string& name, Flow x, Op activation, Op gate);

/// The mean over each plane, flattened: "avgpool" and "flatten".
Flow global_average(Assembler& a, Flow x);

/// Dropout and the linear layer that gives the logits, NAME.0 and NAME.1; a replaced head may be one linear
/// layer, NAME or NAME.0.
Flow dropout_and_linear(Assembler& a, const std::string& name, Flow x);

/// The highest N of all tensors "PREFIX" N "."..., at least 0.
int highest_index(const TensorMap& tensors, std::string_view prefix);

/// One more than the highest N. Throws Error where there would be more than `most`.
int count_modules(const Assembler& a, const std::string& prefix, int most = 1000);

/// Throws Error: the modules are not arranged as in torchvision's `network`, and strides and paddings do not
/// follow from tensors. `found` and `expected` continue "found" and "expected".
[[noreturn]] void unknown_arrangement(const Assembler& a, const std::string& network,
                                      const std::string& found, const std::string& expected);

/// "_thin" or "_wide" where the sums of the widths differ, else nothing.
std::string width_suffix_of(std::int64_t total, std::int64_t standard);

}  // namespace ablaze::models
