// Inception-v3 as in torchvision (Szegedy et al., "Rethinking the Inception Architecture for Computer
// Vision", CVPR 2016).

#include <algorithm>
#include <vector>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

/// One of the modules Mixed_5b to Mixed_7c: branches side by side.
class Mixed {
 public:
  Mixed(Assembler& assembler, std::string name, Flow in) : a_(assembler), name_(std::move(name)), in_(in) {}

  struct Step {
    const char* name;  ///< behind "branch"
    ConvSpec spec;
  };

  Flow chain(Flow x, const std::vector<Step>& steps) {
    for (const Step& step : steps) x = basic_conv(a_, name_ + ".branch" + step.name, x, step.spec);
    return x;
  }

  void branch(const std::vector<Step>& steps) { parts_.push_back(chain(in_, steps)); }

  /// The branch ends in two convolutions side by side.
  void forked_branch(const std::vector<Step>& steps, const std::string& name, const Step& left,
                     const Step& right) {
    const Flow x = chain(in_, steps);
    parts_.push_back(a_.concat(name_ + ".branch" + name, {chain(x, {left}), chain(x, {right})}));
  }

  /// An average pool, which is no module, before a convolution.
  void averaging_branch() {
    const op::AvgPool2d pool{.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}};
    parts_.push_back(chain(a_.plain(name_ + ".avgpool", pool, in_), {{"_pool", kPoint}}));
  }

  void pooling_branch() {
    parts_.push_back(a_.plain(name_ + ".maxpool", op::MaxPool2d{.kernel = {3, 3}, .stride = {2, 2}}, in_));
  }

  Flow join() { return a_.concat(name_, parts_); }

  static constexpr ConvSpec kPoint{.kernel = 1, .padding = 0};
  static constexpr ConvSpec kHalving{.kernel = 3, .stride = 2, .padding = 0};
  static constexpr ConvSpec kLow1x7{.kernel = 1, .width = 7};
  static constexpr ConvSpec kHigh7x1{.kernel = 7, .width = 1};
  static constexpr ConvSpec kLow1x3{.kernel = 1, .width = 3};
  static constexpr ConvSpec kHigh3x1{.kernel = 3, .width = 1};

 private:
  Assembler& a_;
  std::string name_;
  Flow in_;
  std::vector<Flow> parts_;
};

Flow mixed_a(Assembler& a, const std::string& name, Flow x) {
  Mixed m(a, name, x);
  m.branch({{"1x1", Mixed::kPoint}});
  m.branch({{"5x5_1", Mixed::kPoint}, {"5x5_2", {.kernel = 5, .padding = 2}}});
  m.branch({{"3x3dbl_1", Mixed::kPoint}, {"3x3dbl_2", {}}, {"3x3dbl_3", {}}});
  m.averaging_branch();
  return m.join();
}

Flow mixed_b(Assembler& a, const std::string& name, Flow x) {
  Mixed m(a, name, x);
  m.branch({{"3x3", Mixed::kHalving}});
  m.branch({{"3x3dbl_1", Mixed::kPoint}, {"3x3dbl_2", {}}, {"3x3dbl_3", Mixed::kHalving}});
  m.pooling_branch();
  return m.join();
}

Flow mixed_c(Assembler& a, const std::string& name, Flow x) {
  Mixed m(a, name, x);
  m.branch({{"1x1", Mixed::kPoint}});
  m.branch({{"7x7_1", Mixed::kPoint}, {"7x7_2", Mixed::kLow1x7}, {"7x7_3", Mixed::kHigh7x1}});
  m.branch({{"7x7dbl_1", Mixed::kPoint},
            {"7x7dbl_2", Mixed::kHigh7x1},
            {"7x7dbl_3", Mixed::kLow1x7},
            {"7x7dbl_4", Mixed::kHigh7x1},
            {"7x7dbl_5", Mixed::kLow1x7}});
  m.averaging_branch();
  return m.join();
}

Flow mixed_d(Assembler& a, const std::string& name, Flow x) {
  Mixed m(a, name, x);
  m.branch({{"3x3_1", Mixed::kPoint}, {"3x3_2", Mixed::kHalving}});
  m.branch({{"7x7x3_1", Mixed::kPoint},
            {"7x7x3_2", Mixed::kLow1x7},
            {"7x7x3_3", Mixed::kHigh7x1},
            {"7x7x3_4", Mixed::kHalving}});
  m.pooling_branch();
  return m.join();
}

Flow mixed_e(Assembler& a, const std::string& name, Flow x) {
  Mixed m(a, name, x);
  m.branch({{"1x1", Mixed::kPoint}});
  m.forked_branch({{"3x3_1", Mixed::kPoint}}, "3x3", {"3x3_2a", Mixed::kLow1x3}, {"3x3_2b", Mixed::kHigh3x1});
  m.forked_branch({{"3x3dbl_1", Mixed::kPoint}, {"3x3dbl_2", {}}}, "3x3dbl", {"3x3dbl_3a", Mixed::kLow1x3},
                  {"3x3dbl_3b", Mixed::kHigh3x1});
  m.averaging_branch();
  return m.join();
}

}  // namespace

bool matches_inception(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) { return tensor.first.starts_with("Mixed_"); });
}

Network build_inception(Assembler& a) {
  const ConvSpec inner{.kernel = 3, .padding = 0};
  const op::MaxPool2d pool{.kernel = {3, 3}, .stride = {2, 2}};
  Flow x = basic_conv(a, "Conv2d_1a_3x3", a.input(), Mixed::kHalving);
  std::int64_t total = x.channels;
  x = basic_conv(a, "Conv2d_2a_3x3", x, inner);
  x = a.plain("maxpool1", pool, basic_conv(a, "Conv2d_2b_3x3", x, {}));
  x = basic_conv(a, "Conv2d_3b_1x1", x, Mixed::kPoint);
  x = a.plain("maxpool2", pool, basic_conv(a, "Conv2d_4a_3x3", x, inner));
  for (const char* name : {"Mixed_5b", "Mixed_5c", "Mixed_5d"}) x = mixed_a(a, name, x);
  total += x.channels;
  x = mixed_b(a, "Mixed_6a", x);
  for (const char* name : {"Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"}) x = mixed_c(a, name, x);
  total += x.channels;
  x = mixed_d(a, "Mixed_7a", x);
  for (const char* name : {"Mixed_7b", "Mixed_7c"}) x = mixed_e(a, name, x);
  total += x.channels;
  x = a.plain("dropout", op::Identity{}, global_average(a, x));
  a.linear("fc", x);

  Network network;
  leave_out_auxiliary_heads(a, {"AuxLogits"}, network);
  assume_transformed_input(network);
  network.graph = a.finish();
  network.depth_name = "inception_v3";
  constexpr std::int64_t standard = 32 + 288 + 768 + 2048;
  network.architecture = network.depth_name + width_suffix_of(total, standard);
  network.default_layer = "Mixed_7c";
  network.preprocess.resize = 342;
  network.preprocess.crop = 299;
  return network;
}

}  // namespace ablaze::models
