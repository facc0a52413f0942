#include "explain/paper_model.hpp"

#include <utility>

namespace ablaze::testing {

Model paper_model(std::vector<std::string> labels) {
  const auto classes = static_cast<std::int64_t>(labels.size());
  Tensor weight({classes, 3});
  for (std::int64_t c = 0; c < 3 && c < classes; ++c) weight[c * 3 + c] = 1;
  if (classes > 3) weight[3 * 3] = -1;

  Model model;
  model.graph.add("input", op::Input{{3, 0, 0}}, {});
  model.graph.add("pool", op::MaxPool2d{}, {0});
  model.graph.add("relu", op::Relu{}, {1});
  model.graph.add("avgpool", op::AdaptiveAvgPool2d{}, {2});
  model.graph.add("flatten", op::Flatten{}, {3});
  model.graph.add("fc", op::Linear{std::move(weight), {}}, {4});
  model.graph.alias("features", 2);
  model.architecture = "paper";
  model.labels = std::move(labels);
  model.preprocess = {4, 4, Interpolation::bilinear, {0, 0, 0}, {1, 1, 1}};
  model.default_layer = "relu";
  return model;
}

}  // namespace ablaze::testing
