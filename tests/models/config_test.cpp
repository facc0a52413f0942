#include "models/config.hpp"

#include <doctest/doctest.h>

#include <ablaze/convert.hpp>
#include <ablaze/image.hpp>
#include <ablaze/model.hpp>

#include "base/files.hpp"
#include "formats/safetensors.hpp"
#include "models/save.hpp"
#include "models/synthetic.hpp"
#include "support/message_of.hpp"

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
  CHECK(mentions(notes(R"({"label_names":["a","b"]})"), "found 2 labels"));
  CHECK(mentions(notes(R"({"id2label":{"0":"a","7":"b"}})"), "found no class 1"));
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

TEST_CASE("config: timm's crop modes") {
  const Downloaded files;
  const auto with_mode = [&](const std::string& mode) {
    return files.with(R"({"pretrained_cfg":{"input_size":[3,160,160],"crop_pct":0.95,"crop_mode":")" + mode +
                      R"("}})");
  };
  CHECK(with_mode("squash").preprocess.fit == Fit::squash);
  CHECK(with_mode("squash").preprocess.resize == 168);
  CHECK(with_mode("border").preprocess.fit == Fit::border);
  CHECK(with_mode("center").preprocess.fit == Fit::shorter);
  CHECK_FALSE(mentions(with_mode("center").notes, "not used"));
  CHECK(mentions(with_mode("round").notes, "not used: crop_mode \"round\" of config.json (center instead"));
  CHECK(with_mode("round").preprocess.crop == 160);
}

TEST_CASE("config: one field that is not understood leaves the others") {
  const Downloaded files;
  const Model model = files.with(
      R"({"pretrained_cfg":{"input_size":[3,160,160],"crop_pct":0.8,"interpolation":"lanczos","mean":0.5,"std":[0.5],
          "test_input_size":[3,288,288],"fixed_input_size":true,"license":"mit","antialias":false}})");
  CHECK(model.preprocess.crop == 160);
  CHECK(model.preprocess.resize == 200);
  CHECK(model.preprocess.mean == std::array<float, 3>{0.5F, 0.5F, 0.5F});
  CHECK(model.preprocess.std == std::array<float, 3>{0.5F, 0.5F, 0.5F});
  CHECK(mentions(model.notes, "not used: interpolation \"lanczos\""));
  CHECK(mentions(model.notes, "not used: test_input_size [3,288,288]"));
  CHECK(mentions(model.notes, "not used: antialias false"));
  CHECK_FALSE(mentions(model.notes, "license"));
  CHECK_FALSE(mentions(model.notes, "fixed_input_size"));
}

TEST_CASE("config: WordNet ids with descriptions are labels and ids") {
  const Downloaded files;
  const std::string ids = R"(["n00000001","n00000002","n00000003","n00000004","n00000005"])";
  const Model model = files.with(
      R"({"num_classes":5,"label_names":)" + ids +
      R"(,"label_descriptions":{"n00000001":"a","n00000002":"b","n00000003":"c","n00000004":"d","n00000005":"e"}})");
  CHECK(model.labels == five);
  CHECK(model.synsets.at(4) == "n00000005");
  const Model lacking =
      files.with(R"({"label_names":)" + ids + R"(,"label_descriptions":{"n00000001":"a"}})");
  CHECK(lacking.labels.at(4) == "n00000005");
  CHECK(files.with(R"({"label2id":{"a":0,"b":1,"c":2,"d":3,"e":4}})").labels == five);
  CHECK(files.with(R"({"label_names":{"0":"a","1":"b","2":"c","3":"d","4":"e"}})").labels == five);
}

TEST_CASE("config: the activation of the logits") {
  const Downloaded files;
  const auto with = [&](const std::string& problem) {
    return files.with(R"({"problem_type":)" + problem + "}");
  };
  CHECK(with(R"("multi_label_classification")").activation == Activation::sigmoid);
  CHECK(with(R"("single_label_classification")").activation == Activation::softmax);
  CHECK(with(R"("regression")").activation == Activation::none);
  CHECK(with("null").notes.empty());
  CHECK(mentions(with(R"("other")").notes, "not used: problem_type"));
}

TEST_CASE("config: Hugging Face's processors") {
  const Downloaded files;
  const auto with = [&](const std::string& processor) { return files.with("{}", processor); };
  const auto is = [&](const std::string& processor, Fit fit, int resize, int crop) {
    CAPTURE(processor);
    const Model model = with(processor);
    CHECK(model.preprocess.fit == fit);
    CHECK(model.preprocess.resize == resize);
    CHECK(model.preprocess.crop == crop);
    CHECK_FALSE(mentions(model.notes, "not used"));
  };
  const std::string type = R"({"image_processor_type":")";
  is(R"({"size":{"height":224,"width":224}})", Fit::squash, 224, 224);
  is(type + R"(ViTImageProcessor","size":192,"resample":2})", Fit::squash, 192, 192);
  is(type + R"(ViTImageProcessorFast"})", Fit::squash, 224, 224);
  is(R"({"feature_extractor_type":"ViTFeatureExtractor","size":224})", Fit::squash, 224, 224);
  is(type +
         R"(DeiTImageProcessor","size":{"height":256,"width":256},"crop_size":{"height":224,"width":224}})",
     Fit::squash, 256, 224);
  is(type + R"(ConvNextImageProcessor","size":{"shortest_edge":224}})", Fit::shorter, 256, 224);
  is(type + R"(ConvNextImageProcessor","size":{"shortest_edge":384},"crop_pct":0.875})", Fit::squash, 384,
     384);
  is(R"({"feature_extractor_type":"ConvNextFeatureExtractor","size":224,"crop_pct":0.95})", Fit::shorter, 235,
     224);
  is(type +
         R"(MobileNetV2ImageProcessor","size":{"shortest_edge":256},"crop_size":{"height":224,"width":224}})",
     Fit::shorter, 256, 224);
  is(type + R"(BitImageProcessor","size":{"shortest_edge":448},"crop_size":448,"do_center_crop":true})",
     Fit::shorter, 448, 448);
  is(type + R"(LevitImageProcessor","size":{"shortest_edge":224}})", Fit::shorter, 256, 224);
  is(type + R"(PoolFormerImageProcessor","crop_pct":0.9,"size":{"shortest_edge":224},"crop_size":224})",
     Fit::shorter, 248, 224);
  is(R"({"size":{"shortest_edge":256},"crop_size":{"height":224,"width":224},"do_center_crop":true})",
     Fit::shorter, 256, 224);
  // The processors' own defaults.
  CHECK(with(type + R"(ConvNextImageProcessor","size":224})").preprocess.mean[0] == 0.5F);
  CHECK(with(type + R"(LevitImageProcessor"})").preprocess.mean[0] == 0.485F);
  CHECK(with(type + R"(BitImageProcessor"})").preprocess.interpolation == Interpolation::bicubic);
  CHECK(mentions(with(type + R"(NewImageProcessor","size":224})").notes, "not used: image_processor_type"));
  CHECK(mentions(with(R"({"size":224})").notes, "taken as the shorter side"));
}

TEST_CASE("config: oblong inputs") {
  const Downloaded files;
  const auto is_224x160 = [](const Model& model, int resize) {
    CHECK(model.input_shape() == Shape{1, 3, 224, 160});
    CHECK(model.preprocess.resize == resize);
    return model.notes;
  };
  is_224x160(files.with(R"({"pretrained_cfg":{"input_size":[3,224,160],"crop_pct":1.0}})"), 224);
  const auto notes =
      is_224x160(files.with(R"({"pretrained_cfg":{"input_size":[3,224,160],"crop_pct":0.875}})"), 256);
  CHECK(mentions(notes, "at most a pixel wider"));
  const Model squashed = files.with("{}", R"({"size":{"height":224,"width":160}})");
  is_224x160(squashed, 224);
  CHECK(squashed.preprocess.fit == Fit::squash);
  CHECK(preprocess(Image(50, 40), squashed.preprocess).shape() == Shape{1, 3, 224, 160});
}

TEST_CASE("config: a processor's file without sizes leaves those that are known") {
  const Downloaded files;
  const std::string timm =
      R"({"pretrained_cfg":{"input_size":[3,160,160],"crop_pct":0.8,"crop_mode":"squash"}})";
  const Model model = files.with(timm, R"({"image_mean":[0.5,0.5,0.5],"do_center_crop":true})");
  CHECK(model.preprocess.resize == 200);
  CHECK(model.preprocess.fit == Fit::squash);
  CHECK(model.preprocess.interpolation == Interpolation::bicubic);  // timm's default
  CHECK(model.preprocess.mean[0] == 0.5F);
  CHECK(mentions(model.notes, "not used: do_center_crop true"));
  const Model wrapped =
      files.with("{}", R"({"image_processor_type":"TimmWrapperImageProcessor",)" + timm.substr(1));
  CHECK(wrapped.preprocess.resize == 200);
  CHECK(wrapped.preprocess.fit == Fit::squash);
}

TEST_CASE("config: Hugging Face's normalisation") {
  const Downloaded files;
  const std::string size =
      R"({"size":{"shortest_edge":224},"image_mean":[0.5,0.25,0.5],"image_std":[0.5,0.2,0.5],)";
  const auto with = [&](const std::string& fields) {
    return files.with("{}", size + fields + "}").preprocess;
  };
  // What the network gets for a byte.
  const auto of_byte = [](const Preprocess& how, float byte) {
    return (static_cast<double>(byte) / 255 - static_cast<double>(how.mean[1])) /
           static_cast<double>(how.std[1]);
  };
  CHECK(with(R"("do_rescale":true,"rescale_factor":0.00392156862745098)").mean[1] == 0.25F);
  CHECK(with(R"("do_normalize":false)").mean == std::array<float, 3>{0, 0, 0});
  CHECK(with(R"("do_normalize":false)").std == std::array<float, 3>{1, 1, 1});
  CHECK(of_byte(with(R"("do_rescale":false,"do_normalize":false)"), 200) == doctest::Approx(200));
  CHECK(of_byte(with(R"("do_rescale":false)"), 200) == doctest::Approx((200 - 0.25) / 0.2));
  CHECK(of_byte(with(R"("rescale_factor":0.0078431372549,"rescale_offset":true,"do_normalize":false)"),
                200) == doctest::Approx((200 - 127.5) / 127.5));
  CHECK(of_byte(with(R"("rescale_factor":0.01)"), 200) == doctest::Approx((2 - 0.25) / 0.2));
  CHECK(of_byte(with(R"("include_top":true)"), 51) == doctest::Approx((0.2 - 0.25) / 0.2 / 0.2));
}

TEST_CASE("config: what changes the answer and cannot be followed is refused by name") {
  const Downloaded files;
  const auto refusal = [&](const std::string& config, const std::string& processor = "") {
    return message_of([&] { files.with(config, processor); });
  };
  const auto timm = [&](const std::string& field) { return refusal("{\"pretrained_cfg\":{" + field + "}}"); };
  const auto hugging_face = [&](const std::string& fields) { return refusal("{}", "{" + fields + "}"); };
  CHECK(says(timm(R"("input_size":[1,28,28])"), "input_size [1,28,28] of config.json"));
  CHECK(says(hugging_face(R"("size":{"height":224,"width":160},"crop_size":160)"),
             "size {\"height\":224,\"width\":160}"));
  CHECK(says(hugging_face(R"("size":{"shortest_edge":224},"crop_size":{"height":224,"width":160})"),
             "crop_size"));
  CHECK(says(hugging_face(R"("size":{"shortest_edge":800,"longest_edge":1333})"), "longest_edge"));
  CHECK(says(hugging_face(R"("size":224,"do_resize":false)"), "do_resize false"));
  CHECK(says(hugging_face(R"("size":{"shortest_edge":224},"do_center_crop":false)"), "do_center_crop false"));
  CHECK(says(hugging_face(R"("size":224,"do_flip_channel_order":true)"), "do_flip_channel_order true"));
  CHECK(says(refusal(R"({"global_pool":"max"})"), "global_pool \"max\""));
  CHECK(says(refusal(R"({"hidden_act":"gelu"})"), "hidden_act \"gelu\""));
  CHECK(says(refusal(R"({"downsample_in_first_stage":true})"), "downsample_in_first_stage"));
  std::filesystem::remove(files.folder.path() / "preprocessor_config.json");
  CHECK(mentions(files.with(R"({"model_args":{"output_stride":16}})").notes,
                 "not used: model_args.output_stride 16"));
  CHECK(mentions(files.with(R"({"num_classes":7})").notes, "not used: num_classes 7"));
  // Preprocessing given by the caller goes before the file's.
  base::write_file(files.folder.path() / "config.json",
                   std::string(R"({"pretrained_cfg":{"input_size":[1,224,224]}})"));
  ConvertOptions options;
  options.preprocess = Preprocess{.resize = 64, .crop = 64};
  const Model converted = convert_model(files.weights, files.folder.path() / "out.safetensors", options);
  CHECK(mentions(converted.notes, "not used: input_size [1,224,224]"));
}

TEST_CASE("config: a squashed photo stays one in a converted file") {
  const Downloaded files;
  const Model model = files.with(R"({"pretrained_cfg":{"input_size":[3,64,64],"crop_mode":"squash"}})");
  models::save_model(model, files.folder.path() / "sub.safetensors", DType::f32);
  CHECK(load_model(files.folder.path() / "sub.safetensors").preprocess.fit == Fit::squash);
}
