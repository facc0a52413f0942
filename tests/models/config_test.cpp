#include "models/config.hpp"

#include <doctest/doctest.h>

#include <ablaze/model.hpp>

#include "base/files.hpp"
#include "formats/safetensors.hpp"
#include "models/save.hpp"
#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

/// A plain weight file of five classes with other programs' files next to it.
struct Downloaded {
  TemporaryFolder folder;
  std::filesystem::path weights = folder.path() / "model.safetensors";

  Downloaded() { formats::write_safetensors(weights, {seeded(resnet_shapes(thin_resnet(false))), {}}); }
  Model with(const std::string& config, const std::string& preprocessor = "") const {
    base::write_file(folder.path() / "config.json", config);
    if (!preprocessor.empty()) base::write_file(folder.path() / "preprocessor_config.json", preprocessor);
    return load_model(weights);
  }
};

bool mentions(const std::vector<std::string>& notes, const std::string& part) {
  for (const std::string& note : notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

const std::vector<std::string> five{"a", "b", "c", "d", "e"};

}  // namespace

TEST_CASE("config: timm's labels and preprocessing") {
  const Downloaded files;
  const Model model = files.with(
      R"({"architecture":"resnet18","num_classes":5,"label_names":["a","b","c","d","e"],"pretrained_cfg":
          {"input_size":[3,160,160],"interpolation":"bicubic","crop_pct":0.95,"mean":[0.5,0.25,0.125],"std":[1,2,4]}})");
  CHECK(model.labels == five);
  CHECK(model.preprocess.crop == 160);
  CHECK(model.preprocess.resize == 168);  // floor(160 / 0.95), as timm computes it
  CHECK(model.preprocess.interpolation == Interpolation::bicubic);
  CHECK(model.preprocess.mean == std::array<float, 3>{0.5F, 0.25F, 0.125F});
  CHECK(model.preprocess.std == std::array<float, 3>{1, 2, 4});
  CHECK(model.notes.size() == 2);
}

TEST_CASE("config: Hugging Face's labels and preprocessing") {
  const Downloaded files;
  const Model model = files.with(
      R"({"architectures":["ResNetForImageClassification"],"id2label":{"4":"e","0":"a","1":"b","2":"c","3":"d"}})",
      R"({"crop_pct":0.875,"size":{"shortest_edge":224},"resample":3,"image_mean":[0.5,0.5,0.5],"image_std":[1,1,1]})");
  CHECK(model.labels == five);
  CHECK(model.preprocess.crop == 224);
  CHECK(model.preprocess.resize == 256);
  CHECK(model.preprocess.interpolation == Interpolation::bicubic);
  CHECK(model.preprocess.mean == std::array<float, 3>{0.5F, 0.5F, 0.5F});
}

TEST_CASE("config: what does not fit is told and not used") {
  const Downloaded files;
  const auto notes = [&](const std::string& config) {
    const Model model = files.with(config);
    CHECK(model.labels.empty());
    CHECK(model.preprocess.crop == 224);
    return model.notes;
  };
  CHECK(mentions(notes(R"({"label_names":["a","b"]})"), "there are 2 labels"));
  CHECK(mentions(notes(R"({"id2label":{"0":"a","7":"b"}})"), "there are 1 labels"));
  CHECK(mentions(notes(R"([1,2])"), "not a JSON object"));
  CHECK(mentions(notes("no JSON"), "not a JSON object"));
  CHECK(mentions(notes(std::string(100'000, '[')), "not a JSON object"));
  CHECK(mentions(notes(R"({"crop_pct":0.5,"interpolation":"nearest"})"), "bilinear or bicubic"));
  CHECK(mentions(notes(R"({"pretrained_cfg":{"std":[0,1,1]}})"), "above 0"));
  CHECK(mentions(notes(R"({"pretrained_cfg":{"input_size":[3,9000,9000]}})"), "from 1 to 4096"));
  CHECK(notes(R"({"label_names":7,"id2label":[],"pretrained_cfg":3,"size":"large"})").empty());
  CHECK(notes("{}").empty());
}

TEST_CASE("config: a model file of our own needs nothing beside it") {
  const Downloaded files;
  Model model = load_model(files.weights);
  model.labels = {"v", "w", "x", "y", "z"};
  models::save_model(model, files.weights, DType::f32);
  const Model again = files.with(R"({"label_names":["a","b","c","d","e"]})");
  CHECK(again.labels == model.labels);
  CHECK(again.notes.empty());
}
