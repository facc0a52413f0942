// Ctrl-C and SIGTERM during the work.

#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "support/child.hpp"
#include "support/message_of.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::vector<std::string> ablaze_words(std::vector<std::string> words) {
  words.insert(words.begin(), ABLAZE_PROGRAM);
  return words;
}

}  // namespace

TEST_CASE("Ctrl-C in a long explanation leaves no file") {
  const Workshop w;
  write_thin_resnet(w / "wide.safetensors", 48);
  w.save_tensor("large.npy", {3, 1200, 1200});
  Child child(ablaze_words({"explain", w / "large.npy", "--model", w / "wide.safetensors", "--layer", "conv1",
                            "--out", w / "out"}),
              {.terminal = true});
  child.wait_for_text();  // its progress bar, which appears during the ablation
  child.signal(SIGINT);
  CHECK(child.wait() == 130);
  CHECK(w.files_in("out").empty());
}

TEST_CASE("a signal between many pictures leaves whole ones alone") {
  const Workshop w;
  std::vector<std::string> words{"explain", "--model", w.model(), "--out",
                                 w / "out", "--class", "tench",   "--save-map"};
  for (int i = 0; i < 20000; ++i) words.push_back(w.photo());
  Child child(ablaze_words(words));
  child.wait_until([&] { return w.files_in("out").size() >= 5; });
  child.signal(SIGTERM);
  CHECK(child.wait() == 128 + SIGTERM);
  const auto files = w.files_in("out");
  CHECK(files.size() >= 4);  // of five; one may have been incomplete
  for (const std::string& file : files) {
    CAPTURE(file);
    REQUIRE((file.ends_with(".ablation.tench.png") ||
             file.ends_with(".ablation.tench.npy")));  // no temporary file
    if (file.ends_with(".png")) CHECK(message_of([&] { Image::load(w / ("out/" + file)); }) == "");
  }
}

TEST_CASE("a signal among steps, masks and sheets leaves whole files alone") {
  const Workshop w;
  std::vector<std::string> words{"explain", "--model", w.model(), "--out",   w / "out", "--class",
                                 "tench",   "--box",   "--sheet", "--steps", w / "way"};
  for (int i = 0; i < 5000; ++i) words.push_back(w.photo());
  Child child(ablaze_words(words));
  child.wait_until([&] { return w.files_in("way").size() >= 9; });
  child.signal(SIGINT);
  CHECK(child.wait() == 130);
  for (const std::string folder : {"out", "way"}) {
    for (const std::string& file : w.files_in(folder)) {
      CAPTURE(file);
      REQUIRE((file.ends_with(".png") || file.ends_with("/steps.json")));  // no temporary file
      const std::string path = folder + "/" + file;
      if (file.ends_with(".png")) CHECK(message_of([&] { Image::load(w / path); }) == "");
      if (file.ends_with(".json")) CHECK(Json::parse(w.read(path))["steps"].size() == 5);
    }
  }
}
