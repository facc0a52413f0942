// The processor time of a process that classifies a photo, relative to that of a process without start-up: a
// fork of this one that loads the same model and runs it.

#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <ablaze/image.hpp>
#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "speed/guard.hpp"
#include "support/child.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

const std::filesystem::path kWeights = std::filesystem::path(ABLAZE_SOURCE_DIR) / "weights";
const std::filesystem::path kModel = kWeights / "resnet18_thin-imagenette.safetensors";
const std::filesystem::path kPhoto = kWeights / "golf-ball-and-parachute.png";

double processor_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_of_program() {
  Child child({ABLAZE_PROGRAM, "--threads", "1", "classify", kPhoto.string(), "--model", kModel.string()});
  rusage usage{};
  if (child.wait(&usage) != 0) throw std::runtime_error("classify failed");
  return processor_seconds(usage);
}

void classify() {
  const Model model = load_model(kModel);
  const Tensor input = preprocess(Image::load(kPhoto), model.preprocess);
  SessionOptions options;
  options.input = model.input_shape();
  options.execution.threads = 1;
  if (Session(model.graph, options).run(input).logits().size() != model.class_count()) ::_exit(1);
}

double seconds_of_fork() {
  const pid_t process = ::fork();
  if (process == 0) {
    classify();
    ::_exit(0);
  }
  int waited = 0;
  rusage usage{};
  if (process < 0 || ::wait4(process, &waited, 0, &usage) != process || waited != 0)
    throw std::runtime_error("the fork failed");
  return processor_seconds(usage);
}

}  // namespace

TEST_CASE("a process that classifies a photo starts at little cost") {
  check_ratio(
      "start", 1.9, seconds_of_program, [] { return seconds_of_program() + seconds_of_program(); },
      seconds_of_fork);
}
