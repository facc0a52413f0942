#include "models/blocks.hpp"

#include <algorithm>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze::models {

Op relu6() { return op::Curve{op::Curve::Kind::clip, 0, 6}; }
Op hard_sigmoid() { return op::Curve{op::Curve::Kind::hard_sigmoid, 1.0F / 6, 0.5F}; }

Flow normed_conv_in(Assembler& a, const std::string& name, int first, Flow from, const NormedConv& spec) {
  const auto child = [&](int index) { return name + "." + std::to_string(first + index); };
  const ConvSpec conv{.kernel = spec.kernel,
                      .stride = spec.stride,
                      .padding = spec.kernel / 2,
                      .groups = spec.groups,
                      .outputs = spec.outputs};
  Flow x = spec.depthwise ? a.depthwise(child(0), from, conv) : a.conv(child(0), from, conv);
  x = a.batch_norm(child(1), x, spec.epsilon);
  return spec.activation ? a.plain(child(2), *spec.activation, x) : x;
}

Flow normed_conv(Assembler& a, const std::string& name, Flow from, const NormedConv& spec) {
  const Flow x = normed_conv_in(a, name, 0, from, spec);
  a.alias(name, x);
  return x;
}

Flow basic_conv(Assembler& a, const std::string& name, Flow from, const ConvSpec& spec) {
  constexpr double epsilon = 1e-3;
  return a.plain(name, op::Relu{}, a.batch_norm(name + ".bn", a.conv(name + ".conv", from, spec), epsilon));
}

void leave_out_auxiliary_heads(Assembler& a, const std::vector<std::string>& heads, Network& network) {
  int count = 0;
  for (const std::string& head : heads) count += a.leave_out(head + ".");
  if (count == 0) return;
  network.notes.push_back("left out " + base::join(heads) + " (" + std::to_string(count) +
                          " tensors), auxiliary heads that are used only in training");
}

// A pixel p in [0, 1] becomes (p - 0.5) / 0.5.
void assume_transformed_input(Network& network) {
  network.preprocess.mean = network.preprocess.std = {0.5F, 0.5F, 0.5F};
  network.notes.push_back(
      "assumed transform_input=True, which the tensors do not tell, as in torchvision's pretrained weights "
      "and "
      "those fine-tuned from them: pixels are normalised by the mean 0.5 and the standard deviation 0.5; for "
      "a "
      "network with transform_input=False, convert with --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225");
}

Flow squeeze_excitation(Assembler& a, const std::string& name, Flow x, Op activation, Op gate) {
  Flow s = a.plain(name + ".avgpool", op::AdaptiveAvgPool2d{}, x);
  s = a.conv(name + ".fc1", s, {.kernel = 1, .padding = 0, .bias = true});
  s = a.plain(name + ".activation", std::move(activation), s);
  s = a.conv(name + ".fc2", s, {.kernel = 1, .padding = 0, .bias = true, .outputs = x.channels});
  s = a.plain(name + ".scale_activation", std::move(gate), s);
  return a.scale(name, x, s);
}

Flow global_average(Assembler& a, Flow x) {
  return a.plain("flatten", op::Flatten{}, a.plain("avgpool", op::AdaptiveAvgPool2d{}, x));
}

Flow dropout_and_linear(Assembler& a, const std::string& name, Flow x) {
  if (a.contains(name + ".weight")) return a.linear(name, x);
  if (!a.contains(name + ".0.weight")) {
    x = a.plain(name + ".0", op::Identity{}, x);
    x = a.linear(name + ".1", x);
  } else {
    x = a.linear(name + ".0", x);
  }
  a.alias(name, x);
  return x;
}

int highest_index(const TensorMap& tensors, std::string_view prefix) {
  int highest = 0;
  for (auto it = tensors.lower_bound(std::string(prefix)); it != tensors.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    highest = std::max(highest, index_in(it->first, prefix));
  }
  return highest;
}

int count_modules(const Assembler& a, const std::string& prefix, int most) {
  const int highest = highest_index(a.tensors(), prefix);
  if (highest >= most) {
    throw Error(a.file() + ": " + prefix + std::to_string(highest) + " would be one of " +
                std::to_string(highest) + " or more modules; at most " + std::to_string(most) +
                " are supported");
  }
  return highest + 1;
}

void unknown_arrangement(const Assembler& a, const std::string& network, const std::string& found,
                         const std::string& expected) {
  throw Error(
      a.file() + ": found " + found + ", expected torchvision's " + network + " with " + expected +
      "; either tensors are missing, or the network is another one, whose strides do not follow from "
      "its tensors: export it with torch.onnx.export(model, torch.zeros(1, 3, 224, 224), 'model.onnx')");
}

std::string width_suffix_of(std::int64_t total, std::int64_t standard) {
  if (total == standard) return {};
  return total < standard ? "_thin" : "_wide";
}

}  // namespace ablaze::models
