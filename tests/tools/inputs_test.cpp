#include "cli/shell/inputs.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "formats/npy.hpp"
#include "support/message_of.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::cli;
using ablaze::testing::message_of;
using ablaze::testing::says;
using ablaze::testing::Workshop;

namespace {

std::vector<std::string> relative_to(const Workshop& workshop, const FoundInputs& found) {
  std::vector<std::string> names;
  for (const Input& input : found.inputs)
    names.push_back(input.file.lexically_relative(workshop / "").string());
  return names;
}

FoundInputs find(const std::vector<std::string>& words, const std::filesystem::path& leave_out = {}) {
  return find_inputs(words, std::vector<std::filesystem::path>{leave_out});
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder stands for the pictures and tensors below it, known by content, sorted by path") {
  const Workshop w;
  w.save_picture("set/b.png");
  w.save_picture("set/deep/er/a.txt");  // an image, regardless of its name
  w.save_tensor("set/c.npy", {3, 8, 8});
  w.write("set/notes.md", "no picture");
  w.write("set/.hidden.png", "");
  w.save_picture("set/.cache/x.png");
  CHECK(relative_to(w, find({w / "set"})) == Strings{"set/b.png", "set/c.npy", "set/deep/er/a.txt"});
}

TEST_CASE("files named like pictures that are none stay in, to be reported") {
  const Workshop w;
  w.write("set/broken.jpg", "text");
  CHECK(relative_to(w, find({w / "set"})) == Strings{"set/broken.jpg"});
}

TEST_CASE("the program's own pictures are not its input") {
  const Workshop w;
  w.save_picture("set/a.png");
  w.save_picture("set/out/a.ablation.tench.png");
  CHECK(relative_to(w, find({w / "set"}, w / "set/out")) == Strings{"set/a.png"});
  CHECK(relative_to(w, find({w / "set"}, w / "no-such-folder")).size() == 2);
}

TEST_CASE("what cannot be found is a failure, and the rest is found") {
  const Workshop w;
  std::filesystem::create_directory(w / "empty");
  const auto found = find({w / "empty", w.photo(), w / "missing.png"});
  CHECK(relative_to(w, found) == Strings{"photo.png"});
  REQUIRE(found.failures.size() == 2);
  CHECK(says(found.failures[0], "found none"));
  CHECK(says(found.failures[1], "missing.png"));
}

TEST_CASE("a pipe is refused, and nobody waits for what it might bring") {
  const Workshop w;
  REQUIRE(::mkfifo((w / "pipe.png").c_str(), 0600) == 0);
  CHECK(message_of([&] { cli::load_picture(w / "pipe.png"); }).find("regular file") != std::string::npos);
}

TEST_CASE("a circle of links has an end") {
  const Workshop w;
  w.save_picture("set/a.png");
  std::filesystem::create_directory_symlink(w / "set", w / "set/again");
  CHECK(relative_to(w, find({w / "set"})) == Strings{"set/a.png"});
}

TEST_CASE("a picture's folder is known, so that it can be mirrored") {
  const Workshop w;
  w.save_picture("set/x/a.png");
  CHECK(find({w / "set"}).inputs.at(0).folder == "x");
  CHECK(find({w / "set/"}).inputs.at(0).folder == "x");
}

TEST_CASE("masks come from tensors and from pictures") {
  const Workshop w;
  Image image(2, 1);
  for (int c = 0; c < 3; ++c) image.at(1, 0)[c] = 255;
  image.save_png(w / "mask.png");
  const Tensor mask = load_mask(w / "mask.png");
  CHECK(mask.shape() == Shape{1, 2});
  CHECK(mask[0] == 0);
  CHECK(mask[1] == 1);

  w.save_tensor("volume.npy", {2, 2, 2});
  CHECK(says(message_of([&] { load_mask(w / "volume.npy"); }), "2x2x2"));
  const std::vector<float> beyond{0, 1.5};
  formats::write_npy(w / "beyond.npy", Tensor({1, 2}, beyond));
  CHECK(says(message_of([&] { load_mask(w / "beyond.npy"); }), "from 0 (keep) to 1 (remove)"));
}
