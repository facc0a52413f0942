#include "base/files.hpp"

#include <filesystem>
#include <tuple>

#include <doctest/doctest.h>

#include <ablaze/convert.hpp>

#include "base/folders.hpp"
#include "formats/npy.hpp"
#include "formats/onnx_builder.hpp"
#include "formats/safetensors.hpp"
#include "memory/small.hpp"
#include "models/synthetic.hpp"
#include "support/shared_data.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& file) {
  const auto bytes = base::read_file(file, 1 << 20);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// All data of a model.
std::string bytes_of(const Model& model) {
  std::string bytes = model.architecture + model.default_layer + model.provenance;
  for (const std::string& label : model.labels) bytes += label;
  for (const std::string& note : model.notes) bytes += note;
  if (model.selftest) add_bytes(bytes, model.selftest->logits);
  for (const Node& node : model.graph.nodes()) {
    bytes += node.name;
    if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) add_bytes(bytes, conv->weight.to_tensor());
    if (const auto* linear = std::get_if<op::Linear>(&node.op)) add_bytes(bytes, linear->weight.to_tensor());
  }
  return bytes;
}

Shapes tiny_vgg() {
  return vgg_shapes({.stages = {1, 1, 1, 1, 1}, .channels = {2, 2, 2, 2, 2}, .hidden = {2, 2}, .classes = 2});
}

fs::path write_plain(const TemporaryDirectory& folder) {
  const fs::path file = folder / "plain.safetensors";
  formats::write_safetensors(file, {seeded(tiny_vgg()), {{"format", "pt"}}});
  return file;
}

std::string one_layer_onnx() {
  using namespace onnx;
  const std::string nodes = initializer(floats_tensor("w", {2, 3, 1, 1}, {1, 2, 3, 4, 5, 6})) +
                            node("Conv", {"x", "w"}, {"c"}, "", "/conv/Conv") +
                            node("Relu", {"c"}, {"r"}, "", "/relu/Relu") +
                            node("GlobalAveragePool", {"r"}, {"p"}) + node("Flatten", {"p"}, {"y"});
  return model(from_x_to_y(nodes, {1, 3, 6, 6}));
}

/// A stage that writes one file: the file must be complete or absent, and nothing else may remain in its
/// folder.
template <class Write>
void write_out_of_memory(const Write& write, std::int64_t most = 4000) {
  const TemporaryDirectory folder;
  const fs::path file = folder / "out";
  write(file);
  const std::string whole = content(file);
  REQUIRE_FALSE(whole.empty());
  const auto start_anew = [&] {
    fs::remove(file);
    return Nothing();
  };
  const auto act = [&](Nothing) {
    write(file);
    return std::string();
  };
  const auto look_after = [&](const Ending& ending) {
    if (ending.kind == Ending::done) CHECK(fs::exists(file));
    if (fs::exists(file)) CHECK(content(file) == whole);
    CHECK(folder.entries() == (fs::exists(file) ? 1 : 0));
  };
  run_out_of_memory(start_anew, act, look_after, chosen_requests(requests_of(start_anew, act), most));
}

}  // namespace

TEST_CASE("folders are made, or there is not enough memory") {
  const TemporaryDirectory folder;
  base::make_folders(folder / "there");
  const auto none_new = [&] {
    fs::remove_all(folder / "new");
    return Nothing();
  };
  run_out_of_memory(none_new, [&](Nothing) {
    base::make_folders(folder / "new" / "below");
    std::string told;
    for (const char* name : {"there", "new/below", "absent"}) {
      const fs::path path = folder / name;
      told += base::exists(path) ? 'e' : '-';
      told += base::is_folder(path) ? 'd' : '-';
      told += base::is_regular_file(path) ? 'f' : '-';
    }
    return told;
  });
}

TEST_CASE("model files are opened, or there is not enough memory") {
  const TemporaryDirectory folder;
  const fs::path plain = write_plain(folder), converted = folder / "converted.safetensors";
  ConvertOptions labelled;
  labelled.labels = {"one", "other"};
  convert_model(plain, converted, labelled);
  base::write_file(folder / "net.onnx", one_layer_onnx());
  for (const fs::path& file : {plain, converted, folder / "net.onnx"}) {
    CAPTURE(file.filename());
    run_out_of_memory(nothing, [&](Nothing) { return bytes_of(load_model(file)); });
  }
  for (const char* name : {"checkpoint.pth", "module.pth", "kinds-legacy.pth"}) {
    CAPTURE(name);
    run_out_of_memory(
        nothing,
        [&](Nothing) {
          std::string bytes;
          for (const auto& [key, weight] : formats::read_tensor_file(test_data("formats") / name).tensors) {
            bytes += key;
            add_bytes(bytes, weight.to_tensor());
          }
          return bytes;
        },
        300);
  }
}

TEST_CASE("pictures are opened, or there is not enough memory") {
  for (const char* name : {"baseline.jpg", "progressive.jpg", "cmyk.jpg", "orientation.jpg", "grey-alpha.png",
                           "interlaced.png", "palette.png", "exif.png"}) {
    CAPTURE(name);
    run_out_of_memory(nothing, [&](Nothing) {
      std::string bytes;
      add_bytes(bytes, Image::load(test_data("image") / name).pixels());
      return bytes;
    });
  }
}

TEST_CASE("files are written whole or not at all, where memory ends as well") {
  const Image photo = small_photo();
  write_out_of_memory([&](const fs::path& file) { photo.save_png(file); });
  const Tensor tensor = seeded_tensor("input", {3, 5});
  write_out_of_memory([&](const fs::path& file) { formats::write_npy(file, tensor); });
  const TemporaryDirectory folder;
  const fs::path plain = write_plain(folder);
  write_out_of_memory([&](const fs::path& file) { convert_model(plain, file); }, 400);
}

TEST_CASE("a link stays one, where memory ends as well") {
  const TemporaryDirectory folder;
  const fs::path target = folder / "target", link = folder / "link";
  base::write_file(target, "old");
  fs::create_symlink(target, link);
  run_out_of_memory([&] { return base::write_file(target, "old"), Nothing(); },
                    [&](Nothing) { return base::write_file(link, "new"), content(target); });
  CHECK(fs::is_symlink(link));
  CHECK(folder.entries() == 2);
}

TEST_CASE("tensors are read, or there is not enough memory") {
  const TemporaryDirectory folder;
  formats::write_npy(folder / "t.npy", seeded_tensor("input", {3, 5}));
  run_out_of_memory(nothing, [&](Nothing) {
    std::string bytes;
    add_bytes(bytes, formats::read_npy(folder / "t.npy"));
    return bytes;
  });
}
