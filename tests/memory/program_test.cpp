#include <array>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <span>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/inputs.hpp"
#include "explain/paper_model.hpp"
#include "formats/safetensors.hpp"
#include "memory/small.hpp"
#include "models/synthetic.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace fs = std::filesystem;

namespace {

/// Redirects the program's output to a file, without allocating.
class Silence {
 public:
  explicit Silence(const fs::path& errors) {
    redirect(1, "/dev/null");
    redirect(2, errors.c_str());
  }
  ~Silence() {
    std::fflush(stdout);
    for (int stream = 1; stream <= 2; ++stream) {
      ::dup2(kept_[stream], stream);
      ::close(kept_[stream]);
    }
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  void redirect(int stream, const char* file) {
    kept_[stream] = ::dup(stream);
    const int descriptor = ::open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ::dup2(descriptor, stream);
    ::close(descriptor);
  }
  std::array<int, 3> kept_{};
};

std::string bytes_of(const fs::path& file) {
  const auto bytes = base::read_file(file, 1 << 24);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("the photos of a folder are found, or there is not enough memory") {
  const TemporaryDirectory folder;
  for (const char* name : {"a/photo.png", "a/b/photo.png", "c/photo.png"}) {
    base::make_folders((folder / name).parent_path());
    small_photo().save_png(folder / name);
  }
  const std::string word = folder.path().string();
  const std::array leave_out{folder / "c"};
  run_out_of_memory(nothing, [&](Nothing) {
    std::string names;
    const auto found = cli::find_inputs(std::span(&word, 1), leave_out);
    for (const auto& failure : found.failures) names += failure;
    for (const auto& input : found.inputs) names += input.file.string() + input.folder.string();
    return names;
  });
}

TEST_CASE("a command does its work, or says that there is not enough memory") {
  const TemporaryDirectory folder;
  const fs::path model = folder / "model.safetensors", photo = folder / "photo.png", out = folder / "out";
  const fs::path errors = folder / "errors";
  const Shapes tiny =
      vgg_shapes({.stages = {1, 1, 1, 1, 1}, .channels = {2, 2, 2, 2, 2}, .hidden = {2, 2}, .classes = 2});
  formats::write_safetensors(model, {seeded(tiny), {{"format", "pt"}}});
  small_photo().save_png(photo);
  const std::string model_name = model.string(), photo_name = photo.string(), out_name = out.string();
  const std::array words{"ablaze",  "explain",    photo_name.c_str(), "--model", model_name.c_str(),
                         "--layer", "features.0", "--threads",        "1",       "--method",
                         "gradcam", "--out",      out_name.c_str(),   "--quiet"};
  const auto command = [&](Nothing) {
    const Silence silence(errors);
    return std::to_string(cli::run_command_line(static_cast<int>(words.size()), words.data()));
  };
  const auto start_anew = [&] {
    fs::remove_all(out);
    return Nothing();
  };
  const std::int64_t made = requests_of(start_anew, command);
  REQUIRE(command({}) == "0");
  std::string picture;
  for (const auto& entry : fs::directory_iterator(out)) picture = entry.path();
  const std::string whole = bytes_of(picture);

  for (const Failing how : {Failing::once, Failing::onwards}) {
    for (const std::int64_t number : chosen_requests(made, 150)) {
      CAPTURE(number);
      CAPTURE(static_cast<int>(how));
      Nothing state = start_anew();
      const std::int64_t before = live_blocks();
      const std::string status = attempt(state, command, number, how).result;
      CHECK(live_blocks() == before);
      const std::string said = bytes_of(errors);
      CAPTURE(said);
      CHECK((status == "0" || status == "1"));
      if (status == "1") CHECK(said.find("memory") != std::string::npos);
      if (status == "0") CHECK(fs::exists(picture));
      if (fs::exists(picture)) CHECK(bytes_of(picture) == whole);
      if (fs::exists(out))
        for (const auto& entry : fs::directory_iterator(out)) CHECK(entry.path() == picture);
    }
  }
}
