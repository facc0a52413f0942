// Ctrl-C and SIGTERM in the middle of the work.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "support/message_of.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

using namespace std::chrono_literals;

pid_t start_ablaze(std::vector<std::string> words) {
  words.insert(words.begin(), ABLAZE_PROGRAM);
  const pid_t child = fork();
  if (child != 0) return child;
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);  // a test run may ignore them
  const int nowhere = open("/dev/null", O_RDWR);
  for (int descriptor = 0; descriptor < 3; ++descriptor) dup2(nowhere, descriptor);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(ABLAZE_PROGRAM, arguments.data());
  _exit(127);
}

/// Waits until the work is under way, sends the signal and returns the exit status.
int status_after(pid_t child, int signal, const std::function<bool()>& under_way) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!under_way() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(2ms);
  kill(child, signal);
  int waited = 0;
  waitpid(child, &waited, 0);
  return WIFEXITED(waited) ? WEXITSTATUS(waited) : -WTERMSIG(waited);
}

}  // namespace

TEST_CASE("Ctrl-C in a long explanation leaves no file") {
  const Workshop w;
  write_thin_resnet(w / "wide.safetensors", 48);
  w.save_tensor("large.npy", {3, 1200, 1200});
  const pid_t child = start_ablaze({"explain", w / "large.npy", "--model", w / "wide.safetensors", "--layer",
                                    "conv1", "--out", w / "out"});
  const auto start = std::chrono::steady_clock::now();
  CHECK(status_after(child, SIGINT, [&] { return std::chrono::steady_clock::now() - start > 500ms; }) == 130);
  CHECK(w.files_in("out").empty());
}

TEST_CASE("a signal between many pictures leaves whole ones alone") {
  const Workshop w;
  std::vector<std::string> words{"explain", "--model", w.model(), "--out",
                                 w / "out", "--class", "tench",   "--save-map"};
  for (int i = 0; i < 20000; ++i) words.push_back(w.photo());
  const pid_t child = start_ablaze(words);
  CHECK(status_after(child, SIGTERM, [&] { return w.files_in("out").size() >= 5; }) == 128 + SIGTERM);
  const auto files = w.files_in("out");
  CHECK(files.size() >= 4);  // of the five, one may have been unfinished
  for (const std::string& file : files) {
    CAPTURE(file);
    REQUIRE(
        (file.ends_with(".ablation.tench.png") || file.ends_with(".ablation.tench.npy")));  // no temporary
    if (file.ends_with(".png")) CHECK(message_of([&] { Image::load(w / ("out/" + file)); }) == "");
  }
}

TEST_CASE("a signal among steps, masks and sheets leaves whole files alone") {
  const Workshop w;
  std::vector<std::string> words{"explain", "--model", w.model(), "--out",   w / "out", "--class",
                                 "tench",   "--box",   "--sheet", "--steps", w / "way"};
  for (int i = 0; i < 5000; ++i) words.push_back(w.photo());
  const pid_t child = start_ablaze(words);
  CHECK(status_after(child, SIGINT, [&] { return w.files_in("way").size() >= 9; }) == 130);
  for (const std::string folder : {"out", "way"}) {
    for (const std::string& file : w.files_in(folder)) {
      CAPTURE(file);
      REQUIRE((file.ends_with(".png") || file.ends_with("/steps.json")));  // no temporary
      const std::string path = folder + "/" + file;
      if (file.ends_with(".png")) CHECK(message_of([&] { Image::load(w / path); }) == "");
      if (file.ends_with(".json")) CHECK(Json::parse(w.read(path))["steps"].size() == 5);
    }
  }
}
