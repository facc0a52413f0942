#include "tools/workshop.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

#include "formats/npy.hpp"
#include "formats/safetensors.hpp"
#include "models/synthetic.hpp"
#include "support/seeded.hpp"

namespace ablaze::testing {

namespace fs = std::filesystem;

namespace {

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

int exit_status(int waited) { return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited); }

/// Two of the labels give the same file name; one is long.
constexpr const char* labels =
    R"(["tench", "golf ball", "Golf-Ball!", "parachute, chute", "a label, as long as some are"])";

fs::path converted_model() {
  static const TemporaryDirectory folder;
  const fs::path file = folder / "thin.safetensors";
  if (fs::exists(file)) return file;
  write_thin_resnet(folder / "plain.safetensors");
  std::ofstream(folder / "labels.json") << labels;
  const Finished done =
      run_ablaze({"convert", (folder / "plain.safetensors").string(), "--out", file.string(), "--labels",
                  (folder / "labels.json").string(), "--crop", "64"});
  if (done.status != 0) throw std::runtime_error("cannot convert the test's model: " + done.err);
  return file;
}

}  // namespace

std::vector<Json> Finished::json() const {
  std::vector<Json> values;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) values.push_back(Json::parse(line));
  return values;
}

Finished run_ablaze(const std::vector<std::string>& words, const std::string& limits) {
  const TemporaryDirectory folder;
  std::string command = limits + " exec " + quoted(ABLAZE_PROGRAM);
  for (const std::string& word : words) command += " " + quoted(word);
  command +=
      " >" + quoted((folder / "out").string()) + " 2>" + quoted((folder / "err").string()) + " </dev/null";
  const int waited = std::system(("{ " + command + "; }").c_str());
  return {exit_status(waited), content(folder / "out"), content(folder / "err")};
}

Workshop::Workshop() { save_picture("photo.png"); }

std::string Workshop::model() const { return converted_model().string(); }

void Workshop::write(const fs::path& name, std::string_view bytes) const {
  fs::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name, std::ios::binary) << bytes;
}

std::string Workshop::read(const fs::path& name) const { return content(folder_ / name); }

void Workshop::save_picture(const fs::path& name, int width, int height) const {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at(x, y)[0] = static_cast<std::uint8_t>(255 * x / width);
      image.at(x, y)[1] = static_cast<std::uint8_t>(255 * y / height);
      image.at(x, y)[2] = static_cast<std::uint8_t>((x / 8 + y / 8) % 2 * 200);
    }
  }
  fs::create_directories((folder_ / name).parent_path());
  image.save_png(folder_ / name);
}

void Workshop::save_tensor(const fs::path& name, const Shape& shape) const {
  formats::write_npy(folder_ / name, seeded_tensor("input", shape));
}

std::vector<std::string> Workshop::files_in(const fs::path& name) const {
  std::vector<std::string> files;
  if (!fs::exists(folder_ / name)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(folder_ / name).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Finished run_explain(const Workshop& w, std::vector<std::string> words) {
  words.insert(words.begin(), {"explain", "--model", w.model(), "--out", w / "out"});
  return run_ablaze(words);
}

void write_thin_resnet(const fs::path& file, std::int64_t width) {
  ResnetRecipe recipe = thin_resnet(false);
  recipe.stem = width;
  recipe.planes = {width, width + 2, width + 4, width + 6};
  formats::write_safetensors(file, {seeded(resnet_shapes(recipe)), {}});
}

}  // namespace ablaze::testing
