#include "models/synthetic.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <stdlib.h>
#include <sys/mman.h>
#include <system_error>

#include <nlohmann/json.hpp>

#include "support/seeded.hpp"

namespace ablaze::testing {
namespace {

void add_norm(Shapes& shapes, const std::string& name, std::int64_t channels) {
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
    shapes[name + part] = {channels};
}

void add_block(Shapes& shapes, const std::string& name, std::int64_t in, std::int64_t planes, bool downsample,
               const ResnetRecipe& recipe) {
  const std::int64_t out = recipe.bottleneck ? planes * 4 : planes;
  if (recipe.bottleneck) {
    const std::int64_t width = planes * recipe.width_per_group / 64 * recipe.groups;
    shapes[name + ".conv1.weight"] = {width, in, 1, 1};
    shapes[name + ".conv2.weight"] = {width, width / recipe.groups, 3, 3};
    shapes[name + ".conv3.weight"] = {out, width, 1, 1};
    add_norm(shapes, name + ".bn1", width);
    add_norm(shapes, name + ".bn2", width);
    add_norm(shapes, name + ".bn3", out);
  } else {
    shapes[name + ".conv1.weight"] = {planes, in, 3, 3};
    shapes[name + ".conv2.weight"] = {planes, planes, 3, 3};
    add_norm(shapes, name + ".bn1", planes);
    add_norm(shapes, name + ".bn2", planes);
  }
  if (downsample) {
    shapes[name + ".downsample.0.weight"] = {out, in, 1, 1};
    add_norm(shapes, name + ".downsample.1", out);
  }
}

}  // namespace

Shapes resnet_shapes(const ResnetRecipe& recipe) {
  Shapes shapes;
  shapes["conv1.weight"] = {recipe.stem, 3, 7, 7};
  add_norm(shapes, "bn1", recipe.stem);
  std::int64_t in = recipe.stem;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    const std::int64_t planes = recipe.planes[stage];
    const std::int64_t out = recipe.bottleneck ? planes * 4 : planes;
    for (int block = 0; block < recipe.blocks[stage]; ++block) {
      const bool downsample = block == 0 && (stage > 0 || in != out);
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
      add_block(shapes, name, in, planes, downsample, recipe);
      in = out;
    }
  }
  shapes["fc.weight"] = {recipe.classes, in};
  shapes["fc.bias"] = {recipe.classes};
  return shapes;
}

Shapes vgg_shapes(const VggRecipe& recipe) {
  Shapes shapes;
  std::int64_t in = 3;
  int index = 0;
  for (std::size_t stage = 0; stage < 5; ++stage) {
    for (int i = 0; i < recipe.stages[stage]; ++i) {
      const std::int64_t out = recipe.channels[stage];
      shapes["features." + std::to_string(index) + ".weight"] = {out, in, 3, 3};
      shapes["features." + std::to_string(index) + ".bias"] = {out};
      if (recipe.batch_norm) add_norm(shapes, "features." + std::to_string(index + 1), out);
      index += recipe.batch_norm ? 3 : 2;
      in = out;
    }
    ++index;
  }
  in *= recipe.pool_side * recipe.pool_side;
  const std::array<std::int64_t, 3> outputs{recipe.hidden[0], recipe.hidden[1], recipe.classes};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string name = "classifier." + std::to_string(3 * i);
    shapes[name + ".weight"] = {outputs[i], in};
    shapes[name + ".bias"] = {outputs[i]};
    in = outputs[i];
  }
  return shapes;
}

Shapes golden_shapes(const std::string& network) {
  std::ifstream file(std::string(ABLAZE_SOURCE_DIR) + "/tests/data/golden/" + network + ".json");
  const auto index = nlohmann::json::parse(file);
  Shapes shapes;
  for (const auto& row : index.at("tensors")) shapes[row.at(0).get<std::string>()] = row.at(1).get<Shape>();
  return shapes;
}

ResnetRecipe thin_resnet(bool bottleneck) {
  ResnetRecipe recipe{.bottleneck = bottleneck, .stem = 4, .planes = {4, 6, 8, 10}, .classes = 5};
  if (bottleneck) recipe.blocks = {3, 4, 6, 3};
  return recipe;
}

VggRecipe thin_vgg(bool batch_norm) {
  return {.batch_norm = batch_norm, .channels = {4, 6, 8, 10, 12}, .hidden = {14, 16}, .classes = 5};
}

models::TensorMap zeros(const Shapes& shapes) {
  std::size_t largest = 1;
  for (const auto& [name, shape] : shapes) {
    largest = std::max(largest, static_cast<std::size_t>(element_count(shape)) * sizeof(float));
  }
  void* pages = ::mmap(nullptr, largest, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) throw std::runtime_error("no address space");
  const std::shared_ptr<const void> owner(
      pages, [largest](const void* p) { ::munmap(const_cast<void*>(p), largest); });
  models::TensorMap tensors;
  for (const auto& [name, shape] : shapes) {
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(pages),
                                           static_cast<std::size_t>(element_count(shape)) * sizeof(float));
    tensors.emplace(name, Weight(DType::f32, shape, bytes, owner));
  }
  return tensors;
}

models::TensorMap seeded(const Shapes& shapes) {
  models::TensorMap tensors;
  for (const auto& [name, shape] : shapes) tensors.emplace(name, seeded_tensor(name, shape));
  return tensors;
}

models::Network build(const models::TensorMap& tensors) {
  models::Assembler assembler(tensors, "model.file");
  return models::find_family(tensors, "model.file").build(assembler);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "ablaze-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ablaze::testing
