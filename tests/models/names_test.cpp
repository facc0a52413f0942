#include "models/names.hpp"

#include <doctest/doctest.h>

#include "models/load.hpp"
#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

struct Found {
  models::TensorMap tensors;
  std::vector<std::string> notes;
};

Found names_of(const models::TensorMap& tensors) {
  Found found;
  found.tensors = models::torchvision_names(tensors, found.notes);
  return found;
}

Shapes prefixed(const Shapes& shapes, const std::string& prefix) {
  Shapes result;
  for (const auto& [name, shape] : shapes) result[prefix + name] = shape;
  return result;
}

std::string architecture(const Shapes& shapes) {
  const formats::TensorFile content{zeros(shapes), {}, {}};
  return models::identify(content, "made.up").network.architecture;
}

/// timm's names of a torchvision VGG's tensors, with its hidden layers as convolutions.
Shapes as_timm(const VggRecipe& recipe) {
  Shapes result;
  const std::map<std::string, std::string> heads{{"classifier.0.", "pre_logits.fc1."},
                                                 {"classifier.3.", "pre_logits.fc2."},
                                                 {"classifier.6.", "head.fc."}};
  for (const auto& [own, own_shape] : vgg_shapes(recipe)) {
    std::string name = own;
    Shape shape = own_shape;
    for (const auto& [from, to] : heads) {
      if (!name.starts_with(from)) continue;
      name = to + name.substr(from.size());
      const std::int64_t side = to == "pre_logits.fc1." ? recipe.pool_side : 1;
      if (to != "head.fc." && shape.size() == 2) shape = {shape[0], shape[1] / side / side, side, side};
      break;
    }
    result[name] = shape;
  }
  return result;
}

/// Hugging Face's names of a torchvision ResNet's tensors.
std::string as_hugging_face(const std::string& name) {
  const auto kind = [&] {
    return name.find("bn") != std::string::npos || name.find("downsample.1") != std::string::npos
               ? std::string("normalization")
               : std::string("convolution");
  };
  const std::string tail = name.substr(name.rfind('.'));
  if (name.starts_with("fc.")) return "classifier.1" + tail;
  if (!name.starts_with("layer")) return "resnet.embedder.embedder." + kind() + tail;
  const std::string block = name.substr(7, name.find('.', 7) - 7);
  const std::string head =
      "resnet.encoder.stages." + std::to_string(name[5] - '1') + ".layers." + block + ".";
  if (name.find("downsample") != std::string::npos) return head + "shortcut." + kind() + tail;
  const std::string module = name.substr(8 + block.size());
  const char layer = module[module.find('.') - 1];
  return head + "layer." + std::string(1, static_cast<char>(layer - 1)) + "." + kind() + tail;
}

}  // namespace

TEST_CASE("names: a network's own names are left alone, without a word") {
  for (const Shapes& shapes : {resnet_shapes(thin_resnet(true)), vgg_shapes(thin_vgg(false))}) {
    const models::TensorMap tensors = zeros(shapes);
    const Found found = names_of(tensors);
    CHECK(found.notes.empty());
    CHECK(found.tensors.size() == tensors.size());
    CHECK(found.tensors.begin()->first == tensors.begin()->first);
  }
}

TEST_CASE("names: what wraps a network is left away, with a word") {
  const Shapes own = resnet_shapes(thin_resnet(false));
  for (const char* prefix : {"module.", "model.", "backbone.", "my_net.", "_orig_mod.module.", "a.b.c.d."}) {
    CAPTURE(prefix);
    const Found found = names_of(zeros(prefixed(own, prefix)));
    CHECK(found.tensors.contains("layer4.1.conv2.weight"));
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0] == "removed the prefix \"" + std::string(prefix) + "\" from the tensors' names");
    CHECK(architecture(prefixed(own, prefix)) == "resnet18_thin");
  }
  CHECK(architecture(prefixed(vgg_shapes(thin_vgg(true)), "net.")) == "vgg11_bn_thin");
}

TEST_CASE("names: tensors beside the wrapped network are left out, and counted") {
  Shapes shapes = prefixed(resnet_shapes(thin_resnet(false)), "model.");
  shapes["loss.centres"] = {5, 8};
  shapes["mean"] = {3};
  const Found found = names_of(zeros(shapes));
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].ends_with("ignored 2 tensors without it, of \"loss.\" and \"mean\""));
  CHECK(architecture(shapes) == "resnet18_thin");
}

TEST_CASE("names: several networks under different prefixes are a choice") {
  const Shapes own = resnet_shapes(thin_resnet(false));
  const auto both = [&](const std::string& first, const std::string& second) {
    Shapes shapes = prefixed(own, first);
    shapes.merge(prefixed(own, second));
    return shapes;
  };
  const std::string error = error_of([&] { architecture(both("encoder_q.", "encoder_k.")); });
  CHECK(error.find("several networks, under \"encoder_k.\" and \"encoder_q.\"; choose one with --under") !=
        std::string::npos);
  CHECK_FALSE(error_of([&] { architecture(both("module.student.", "module.teacher.")); }).empty());
  // An average is not another network, nor is a loss's.
  for (const char* other : {"model_ema.module.", "ema.", "swa_net.", "loss.net.", "criterion."}) {
    const Found found = names_of(zeros(both("model.", other)));
    CHECK(found.tensors.contains("fc.weight"));
    CHECK(found.notes.size() == 2);
  }
  formats::TensorFile content{zeros(both("encoder_q.", "encoder_k.")), {}, {}, {}, {}};
  for (const char* key : {"encoder_k", "encoder_k."}) {
    content.under = key;
    const models::Identified found = models::identify(content, "made.up");
    CHECK(found.network.architecture == "resnet18_thin");
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0].find("whose names start with \"encoder_k.\"") != std::string::npos);
  }
  content.under = "nobody";
  CHECK(error_of([&] {
          models::identify(content, "made.up");
        }).find("nothing lies under \"nobody\"; the file has \"encoder_k\" and \"encoder_q\"") !=
        std::string::npos);
}

TEST_CASE("names: a head beside the body belongs to it") {
  for (const char* head : {"head.fc.", "fc."}) {
    Shapes shapes;
    for (const auto& [name, shape] : resnet_shapes(thin_resnet(false)))
      shapes[name.starts_with("fc.") ? head + name.substr(3) : "backbone." + name] = shape;
    CHECK(architecture(shapes) == "resnet18_thin");
    CHECK(names_of(zeros(shapes)).notes.size() == 1);
  }
}

TEST_CASE("names: names that lead to no known network come back as they are") {
  for (const Shapes& shapes : {Shapes{{"module.x.weight", {1}}, {"module.y.weight", {1}}}, Shapes{{"x", {1}}},
                               Shapes{}, Shapes{{".", {1}}, {"..", {1}}}}) {
    const Found found = names_of(zeros(shapes));
    CHECK(found.tensors.size() == shapes.size());
    for (const auto& [name, shape] : shapes) CHECK(found.tensors.contains(name));
    CHECK(found.notes.empty());
  }
}

TEST_CASE("names: timm's VGGs are torchvision's, their hidden layers linear") {
  const VggRecipe recipe = thin_vgg(true);
  const Found found = names_of(zeros(as_timm(recipe)));
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0] == "translated the names of timm's VGG to torchvision's");
  for (const auto& [name, shape] : vgg_shapes(recipe)) {
    const std::string captured = name;
    CAPTURE(captured);
    REQUIRE(found.tensors.contains(name));
    CHECK(found.tensors.at(name).shape() == shape);
  }
  CHECK(architecture(as_timm(recipe)) == "vgg11_bn_thin");
  CHECK(architecture(as_timm({.stages = {2, 2, 3, 3, 3}})) == "vgg16");
}

TEST_CASE("names: Hugging Face's ResNets are torchvision's") {
  for (const bool bottleneck : {false, true}) {
    const Shapes own = resnet_shapes(thin_resnet(bottleneck));
    Shapes theirs;
    for (const auto& [name, shape] : own) theirs[as_hugging_face(name)] = shape;
    REQUIRE(theirs.size() == own.size());
    const Found found = names_of(zeros(theirs));
    for (const auto& [name, shape] : own) {
      const std::string captured = name;
      CAPTURE(captured);
      CHECK(found.tensors.contains(name));
    }
    CHECK(architecture(theirs) == architecture(own));
  }
}
