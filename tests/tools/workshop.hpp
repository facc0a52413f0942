#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

namespace ablaze::testing {

using Json = nlohmann::ordered_json;

/// A program's exit status and output.
struct Finished {
  int status = -1;  ///< exit status; 128 + the signal if one ended it
  std::string out, err;

  /// Standard output as one JSON value per line. Throws if it is anything else.
  std::vector<Json> json() const;
};

/// Runs the ablaze program with these arguments. `limits` is a shell command before it.
Finished run_ablaze(const std::vector<std::string>& words, const std::string& limits = "");

/// A folder for one test, with a small model of five classes and a photo. Converts the model once per
/// process.
class Workshop {
 public:
  Workshop();
  std::string operator/(const std::filesystem::path& name) const { return (folder_ / name).string(); }
  std::string model() const;  ///< a thin ResNet for 64x64 pixels
  std::string photo() const { return *this / "photo.png"; }

  void write(const std::filesystem::path& name, std::string_view bytes) const;
  std::string read(const std::filesystem::path& name) const;
  void save_picture(const std::filesystem::path& name, int width = 90, int height = 70) const;
  void save_tensor(const std::filesystem::path& name, const Shape& shape) const;
  /// Files below a folder, relative to it, sorted.
  std::vector<std::string> files_in(const std::filesystem::path& name) const;

 private:
  TemporaryDirectory folder_;
};

/// Runs explain with the workshop's model; the images go to its "out".
Finished run_explain(const Workshop& w, std::vector<std::string> words);

/// Writes the weights of a thin ResNet as a plain safetensors file, the input of `ablaze convert`.
void write_thin_resnet(const std::filesystem::path& file, std::int64_t width = 4);

}  // namespace ablaze::testing
