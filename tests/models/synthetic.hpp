#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/tensor.hpp>

#include "models/families.hpp"

namespace ablaze::testing {

using Shapes = std::map<std::string, Shape>;

/// The parameters of torchvision's ResNet constructor.
struct ResnetRecipe {
  std::array<int, 4> blocks{2, 2, 2, 2};
  bool bottleneck = false;
  int groups = 1;
  std::int64_t width_per_group = 64;
  std::int64_t stem = 64;
  std::array<std::int64_t, 4> planes{64, 128, 256, 512};
  std::int64_t classes = 1000;
};
Shapes resnet_shapes(const ResnetRecipe& recipe);

/// torchvision's VGG: convolutions between the pools, their widths, the hidden linear layers.
struct VggRecipe {
  std::array<int, 5> stages{1, 1, 2, 2, 2};
  bool batch_norm = false;
  std::array<std::int64_t, 5> channels{64, 128, 256, 512, 512};
  std::array<std::int64_t, 2> hidden{4096, 4096};
  std::int64_t pool_side = 7;
  std::int64_t classes = 1000;
};
Shapes vgg_shapes(const VggRecipe& recipe);

/// The tensors of one of the thin networks in tests/data/golden.
Shapes golden_shapes(const std::string& network);
/// torchvision's other families there.
inline constexpr std::array kOtherFamilies{"alexnet",       "squeezenet1_0",      "squeezenet1_1",
                                           "mobilenet_v2",  "densenet",           "mobilenet_v3_small",
                                           "googlenet",     "mobilenet_v3_large", "mnasnet",
                                           "shufflenet_v2", "efficientnet_v2",    "efficientnet",
                                           "regnet_y",      "inception_v3"};

/// Small networks for tests that read every tensor.
ResnetRecipe thin_resnet(bool bottleneck);
VggRecipe thin_vgg(bool batch_norm);

/// Zero tensors of these shapes that share one untouched block of memory: a VGG-19 costs nothing.
models::TensorMap zeros(const Shapes& shapes);
/// Tensors with pseudorandom numbers, the same on every machine.
models::TensorMap seeded(const Shapes& shapes);

models::Network build(const models::TensorMap& tensors);

/// The message of the Error that a call throws; "" if it throws none.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A folder that is removed at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace ablaze::testing
