#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include <ablaze/convert.hpp>

#include "formats/safetensors.hpp"
#include "models/synthetic.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Writes a plain weight file of a thin network to the folder.
fs::path write_plain(const fs::path& folder, const Shapes& shapes) {
  const fs::path file = folder / "plain.safetensors";
  formats::write_safetensors(file, {seeded(shapes), {{"format", "pt"}}});
  return file;
}

}  // namespace

TEST_CASE("a converted model says all that is needed to use it, and proves itself") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "out.safetensors";
  for (const bool vgg : {false, true}) {
    const fs::path plain =
        write_plain(folder.path(), vgg ? vgg_shapes(thin_vgg(false)) : resnet_shapes(thin_resnet(true)));
    ConvertOptions options;
    options.labels = {"a", "b", "c", "d", "e"};
    options.dtype = DType::f16;
    options.activation = Activation::sigmoid;
    options.preprocess = Preprocess{.resize = 100, .crop = 96};
    const Model model = convert_model(plain, out, options);
    CHECK(model.source == out);
    CHECK(model.labels == options.labels);
    CHECK(model.activation == Activation::sigmoid);
    CHECK(model.preprocess.crop == 96);
    CHECK(model.provenance == "plain.safetensors");
    REQUIRE(model.selftest);
    CHECK(model.selftest->input_shape == Shape{1, 3, 64, 64});
    CHECK(model.selftest->logits.size() == 5);
    const Verification verification = verify_model(model);
    CHECK(verification.passed);
    CHECK(verification.error < 1e-5);
  }
}

TEST_CASE("converting twice, and converting what was converted, gives the same bytes") {
  const TemporaryFolder folder;
  const fs::path plain = write_plain(folder.path(), resnet_shapes(thin_resnet(false)));
  const fs::path once = folder.path() / "once.safetensors";
  const fs::path again = folder.path() / "again.safetensors";
  convert_model(plain, once);
  convert_model(plain, again);
  CHECK(bytes_of(once) == bytes_of(again));
  convert_model(once, once);
  CHECK(bytes_of(once) == bytes_of(again));
}

TEST_CASE("a file whose weights changed does not pass its self-test") {
  const TemporaryFolder folder;
  const fs::path plain = write_plain(folder.path(), resnet_shapes(thin_resnet(false)));
  const fs::path out = folder.path() / "out.safetensors";
  convert_model(plain, out);
  formats::TensorFile content = formats::read_safetensors(out);
  Tensor changed = content.tensors.at("fc.bias").to_tensor();
  changed[0] += 0.5F;
  content.tensors["fc.bias"] = changed;
  formats::write_safetensors(plain, content);
  const Verification verification = verify_model(load_model(plain));
  CHECK_FALSE(verification.passed);
  CHECK(verification.error > 1e-4);
}

TEST_CASE("a plain file carries no self-test") {
  const TemporaryFolder folder;
  const Model model = load_model(write_plain(folder.path(), resnet_shapes(thin_resnet(false))));
  CHECK(says(error_of([&] { verify_model(model); }), "plain.safetensors"));
}

TEST_CASE("options that do not fit the network are refused, and nothing is written") {
  const TemporaryFolder folder;
  const fs::path plain = write_plain(folder.path(), resnet_shapes(thin_resnet(false)));
  const fs::path out = folder.path() / "out.safetensors";
  const auto refused = [&](const ConvertOptions& options) {
    const std::string message = error_of([&] { convert_model(plain, out, options); });
    CHECK(says(message, "plain.safetensors"));
    CHECK_FALSE(fs::exists(out));
    return message;
  };
  ConvertOptions architecture;
  architecture.architecture = "resnet34";
  CHECK(says(refused(architecture), "resnet18_thin"));
  ConvertOptions labels;
  labels.labels = {"a", "b"};
  CHECK(says(refused(labels), "5 classes"));
  ConvertOptions crop;
  crop.preprocess = Preprocess{.crop = 0};
  CHECK(says(refused(crop), "crop"));
  ConvertOptions std_zero;
  std_zero.preprocess = Preprocess{.std = {1, 0, 1}};
  CHECK(says(refused(std_zero), "std"));
  for (const char* fits : {"resnet18", "resnet18_thin", "resnet"}) {
    ConvertOptions options;
    options.architecture = fits;
    CHECK(convert_model(plain, out, options).architecture == fits);
  }
}

TEST_CASE("a network that does not take the small test input is tested at its own size") {
  Shapes shapes{{"classifier.0.weight", {5, 4}}, {"classifier.0.bias", {5}}};
  std::int64_t in = 3;
  for (int stage = 0; stage < 7; ++stage) {  // seven pools to one pixel: 128
    const std::string name = "features." + std::to_string(3 * stage);
    shapes[name + ".weight"] = {4, in, 3, 3};
    shapes[name + ".bias"] = {4};
    in = 4;
  }
  const TemporaryFolder folder;
  const Model model = convert_model(write_plain(folder.path(), shapes), folder.path() / "out.safetensors");
  CHECK(model.architecture == "vgg");
  CHECK(model.selftest->input_shape == Shape{1, 3, 128, 128});
  CHECK(verify_model(model).passed);
}

TEST_CASE("weights that are not numbers are refused") {
  const TemporaryFolder folder;
  models::TensorMap tensors = seeded(resnet_shapes(thin_resnet(false)));
  Tensor bias = tensors.at("fc.bias").to_tensor();
  bias[1] = std::nanf("");
  tensors["fc.bias"] = bias;
  const fs::path file = folder.path() / "nan.safetensors";
  formats::write_safetensors(file, {tensors, {}});
  const fs::path out = folder.path() / "out.safetensors";
  CHECK(says(error_of([&] { convert_model(file, out); }), "nan.safetensors"));
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("the models that ship pass their self-tests") {
  for (const std::string name :
       {"resnet18_thin-imagenette.safetensors", "vgg11_bn_thin-imagenette.safetensors"}) {
    CAPTURE(name);
    const Model model = load_model(fs::path(ABLAZE_SOURCE_DIR) / "weights" / name);
    CHECK(model.labels.size() == 10);
    CHECK(model.labels.at(9) == "parachute");
    CHECK(model.preprocess.resize == 224);
    CHECK(model.preprocess.crop == 224);
    CHECK(name.starts_with(model.architecture + "-"));
    CHECK(says(model.provenance, "MIT"));
    const Verification verification = verify_model(model);
    CAPTURE(verification.error);
    CHECK(verification.passed);
  }
}

TEST_CASE("the models that ship are what the conversion makes of the trained weights") {
  const char* data = std::getenv("ABLAZE_TEST_DATA");
  const fs::path shared = data != nullptr ? fs::path(data) : fs::path(ABLAZE_SOURCE_DIR) / ".." / "shared";
  const TemporaryFolder folder;
  for (const std::string name : {"resnet18_thin-imagenette", "vgg11_bn_thin-imagenette"}) {
    const fs::path trained = shared / "weights" / (name + ".pth");
    if (!fs::exists(trained)) {
      MESSAGE("skipped: " << trained.string() << " is not there");
      return;
    }
    const fs::path shipped = fs::path(ABLAZE_SOURCE_DIR) / "weights" / (name + ".safetensors");
    const Model model = load_model(shipped);
    ConvertOptions options;
    options.labels = model.labels;
    options.dtype = DType::f16;
    options.preprocess = model.preprocess;
    options.provenance = model.provenance;
    const fs::path out = folder.path() / "out.safetensors";
    convert_model(trained, out, options);
    CHECK(bytes_of(out) == bytes_of(shipped));
  }
}
