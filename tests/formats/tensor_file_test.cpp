#include "formats/tensor_file.hpp"

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "builders.hpp"
#include "support/shared_data.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;

TEST_CASE("a model file is told by its content, not its ending") {
  const TemporaryDirectory folder;
  base::write_file(folder / "model.pth",
                   safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", floats({1})));
  CHECK(read_tensor_file(folder / "model.pth").tensors.count("a") == 1);
  std::filesystem::copy_file(test_data("formats/module.pth"), folder / "model.safetensors");
  CHECK(read_tensor_file(folder / "model.safetensors").tensors.count("conv.weight") == 1);
}

TEST_CASE("what is no model is told for what it looks like") {
  CHECK(says(refusal(""), "is empty"));
  CHECK(says(refusal("\xFF\xD8\xFF\xE0 and so on"), "JPEG"));
  CHECK(says(refusal("\x89PNG\r\n\x1a\n"), "PNG"));
  CHECK(says(refusal("\x1F\x8B\x08"), "gunzip"));
  CHECK(says(refusal("\x89HDF\r\n"), "HDF5"));
  CHECK(says(refusal("<!DOCTYPE html>\n<html><head>"), "web page"));
  CHECK(says(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git lfs pull"));
  CHECK(says(refusal("\x08\x07\x12\x07pytorch\x1a\x05"
                     "2.0.0"),
             "ONNX"));
  CHECK(says(refusal("\x93NUMPY\x01\x00"), "NumPy array"));
  CHECK(says(refusal("# Notes\nThis is not a model."), "looks like text ('# Notes')"));
  CHECK(says(refusal("{\"a\": 1}"), "looks like text"));
  CHECK(says(refusal(std::string(100, '\0')), "unknown content"));
  for (const char* text : {"", "nothing that anybody knows"})
    CHECK(says(refusal(text), "Expected a model: safetensors, a PyTorch state dict"));
}

TEST_CASE("the errors name the file") {
  const TemporaryDirectory folder;
  base::write_file(folder / "notes.safetensors", "just a text");
  for (const char* name : {"notes.safetensors", "missing.pth"})
    CHECK(says(message_of([&] { read_tensor_file(folder / name); }), (folder / name).string()));
  CHECK(says(message_of([&] { read_tensor_file(folder.path()); }), "is a folder"));
}

TEST_CASE("the project's own weights open with torchvision's names") {
  const auto resnet = shared_data("weights/resnet18_thin-imagenette.pth");
  const auto vgg = shared_data("weights/vgg11_bn_thin-imagenette.pth");
  if (!resnet || !vgg) return;
  const TensorFile r = read_tensor_file(*resnet);
  CHECK(r.tensors.size() == 102);  // 20 convolutions, 20 BatchNorms of four tensors, fc's two
  CHECK(r.tensors.at("conv1.weight").shape() == Shape{32, 3, 7, 7});
  CHECK(r.tensors.at("layer4.1.bn2.running_var").shape() == Shape{256});
  CHECK(r.tensors.at("layer2.0.downsample.0.weight").shape() == Shape{64, 32, 1, 1});
  CHECK(r.tensors.at("fc.weight").shape() == Shape{10, 256});
  CHECK(r.tensors.count("bn1.num_batches_tracked") == 0);
  const TensorFile v = read_tensor_file(*vgg);
  CHECK(v.tensors.at("features.0.weight").shape().at(1) == 3);
  CHECK(v.tensors.at("classifier.6.bias").shape() == Shape{10});
}

TEST_CASE("real ImageNet weights in half precision are mapped, not copied") {
  const auto file = shared_data("weights/imagenet/resnet50.f16.safetensors");
  if (!file) return;
  const TensorFile r = read_tensor_file(*file);
  CHECK(r.tensors.at("layer4.2.conv3.weight").shape() == Shape{2048, 512, 1, 1});
  CHECK(r.tensors.at("layer4.2.conv3.weight").dtype() == DType::f16);
}

TEST_CASE("other programs' files are named, with the way that works") {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\x89HDF\r\n\x1a\n"s + std::string(20, '\0'), "tf2onnx.convert.from_keras"},
      {zip({{"config.json", "{}"}, {"model.weights.h5", "x"}}), "a Keras archive"},
      {zip({{"a.npy", "x"}}), "an archive of NumPy's arrays"},
      {"\x1c\0\0\0TFL3"s + std::string(20, '\0'), "--tflite model.tflite"},
      {"\n\x20\n\x05input\x12\x0bPlaceholder*"s, "a TensorFlow graph"},
      {"\x08\x01\x12\x20\n\x10\x12\x0bPlaceholder"s + std::string(20, '\0'), "a TensorFlow graph"},
      {"ftrt"s + std::string(20, '\0'), "a TensorRT engine"},
      {"\x1f\x8b\x08"s, "gunzip"},
      {"BZh91AY"s, "bunzip2"},
      {"\x80\x03"
       "csklearn.linear_model\nLogit\n)\x81."s,
       "of scikit-learn, whose models are no convolutional networks, which is not read and was not executed"},
      {"\x80\x04\x95\x10\0\0\0\0\0\0\0}."s, "it is a bare pickle, which is not read"},
  };
  for (const auto& [file, message] : cases) {
    const std::string error = refusal(file);
    CAPTURE(error);
    CHECK(says(error, message));
  }
}
