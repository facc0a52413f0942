#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include <ablaze/convert.hpp>
#include <ablaze/evaluate.hpp>
#include <ablaze/pictures.hpp>

#include "memory/small.hpp"
#include "support/temporary_directory.hpp"

// The shipped models run out of memory at random requests: $ABLAZE_MEMORY_SAMPLES per stage (20), by
// $ABLAZE_MEMORY_SEED (0).

using namespace ablaze;
using namespace ablaze::testing;

namespace fs = std::filesystem;

namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

const fs::path weights = fs::path(ABLAZE_SOURCE_DIR) / "weights";

const Image& photo() {
  static const Image image = Image::load(weights / "golf-ball-and-parachute.png");
  return image;
}

template <class Prepare, class Act>
void run_sampled(const std::string& stage, const Prepare& prepare, const Act& act) {
  const std::int64_t made = requests_of(prepare, act);
  const std::uint64_t seed = fnv1a(stage) + setting("ABLAZE_MEMORY_SEED", 0);
  std::vector<std::int64_t> numbers;
  for (std::uint64_t i = 0; i < setting("ABLAZE_MEMORY_SAMPLES", 20); ++i) {
    const double place = (static_cast<double>(seeded_unit(seed, i)) + 1) / 2;  // in [0, 1)
    numbers.push_back(1 + static_cast<std::int64_t>(place * static_cast<double>(made)));
  }
  MESSAGE(stage << ": " << numbers.size() << " of " << made << " requests");
  run_out_of_memory(
      prepare, act, [](const Ending&) {}, numbers);
}

ExplainOptions options(const std::string& layer) {
  ExplainOptions options;
  options.classes = {"top2"};
  options.layer = layer;
  options.execution.threads = 1;
  options.methods = {"ablation", "gradcam"};
  return options;
}

}  // namespace

TEST_CASE("what ships does its work, or there is not enough memory") {
  for (const auto& [name, chosen] : {std::pair{"resnet18_thin-imagenette", "layer3"},
                                     std::pair{"vgg11_bn_thin-imagenette", "features.21"}}) {
    const std::string stage = name, layer = chosen;
    const fs::path file = weights / (stage + ".safetensors");
    const Model model = load_model(file);
    const auto explainer = [&] { return Explainer(model, options(layer)); };
    run_sampled(stage + ", loading", nothing, [&](Nothing) { return load_model(file).default_layer; });
    run_sampled(stage + ", explaining", explainer,
                [&](Explainer& state) { return bytes_of(state.explain(photo())); });
    Explainer ready = explainer();
    const auto explanations = ready.explain(photo());
    run_sampled(stage + ", drawing", nothing, [&](Nothing) {
      std::string bytes;
      add_bytes(bytes, contact_sheet(photo(), explanations, {}, "a photo").pixels());
      return bytes;
    });
    const TemporaryDirectory folder;
    run_sampled(stage + ", converting", nothing, [&](Nothing) {
      return std::to_string(convert_model(file, folder / "out.safetensors").selftest->logits.at(0));
    });
    CHECK(folder.entries() == 1);
  }
}
