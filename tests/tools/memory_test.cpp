// The peak memory of a process compared with its plan.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "support/child.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

constexpr std::size_t kMebi = std::size_t{1} << 20;
/// The program and its libraries, the forms of the image, the allocator's slack.
constexpr std::size_t kProgram = 12 * kMebi;

const std::filesystem::path kWeights = std::filesystem::path(ABLAZE_SOURCE_DIR) / "weights";
const std::filesystem::path kModel = kWeights / "resnet18_thin-imagenette.safetensors";

/// The peak resident memory of a process that explains the shipped image at a layer.
std::size_t peak_of(const Workshop& w, const std::string& layer, const std::string& memory) {
  Child child({ABLAZE_PROGRAM, "--threads", "1", "--memory", memory, "explain",
               (kWeights / "golf-ball-and-parachute.png").string(), "--model", kModel.string(), "--layer",
               layer, "--out", w / "out"});
  rusage usage{};
  REQUIRE(child.wait(&usage) == 0);
  return static_cast<std::size_t>(usage.ru_maxrss) << 10;
}

struct Planned {
  std::size_t base = 0;      ///< packed weights and a run's activations
  std::size_t ablation = 0;  ///< additional memory for ablation
};

Planned planned(const std::string& layer, std::size_t memory) {
  const Model model = load_model(kModel);
  SessionOptions options;
  options.input = model.input_shape();
  options.keep = {layer};
  options.execution.threads = 1;
  options.execution.memory_limit = memory;
  const Session session(model.graph, options);
  const AblationPlan plan = session.plan_ablation(layer);
  return {session.packed_bytes() + session.activation_bytes(), plan.bytes + plan.packed_bytes};
}

}  // namespace

TEST_CASE("a process takes the memory that the plan says, and keeps to --memory") {
  const Workshop w;
  struct Case {
    std::string layer, memory;
    std::size_t bytes;
  };
  const std::vector<Case> cases{
      {"layer4", "4G", 4096 * kMebi}, {"layer2", "4G", 4096 * kMebi}, {"layer2", "16M", 16 * kMebi}};
  // Before this process grows: until exec, a child has its parent's memory.
  std::vector<std::size_t> peaks;
  for (const Case& c : cases) peaks.push_back(peak_of(w, c.layer, c.memory));
  const auto file = static_cast<std::size_t>(std::filesystem::file_size(kModel));
  std::size_t most = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].layer);
    CAPTURE(cases[i].memory);
    const Planned plan = planned(cases[i].layer, cases[i].bytes);
    most = plan.base + plan.ablation + file + kProgram;
    MESSAGE(cases[i].layer << ", --memory " << cases[i].memory << ": " << peaks[i] / kMebi << " MiB of "
                           << most / kMebi);
    CHECK(peaks[i] > plan.base);  // otherwise another process was measured
    CHECK(peaks[i] < most);
    CHECK(plan.ablation <= cases[i].bytes);
  }
  CHECK(peaks[1] > most);  // without the limit, the last bound does not hold
}
