// The cost per photo of the shipped models: one forward pass, and one explanation.
#include <filesystem>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include <ablaze/ablaze.hpp>

namespace {

// Throughput depends on the network's shapes only, so any input serves: here the model's self-test input.
ablaze::Tensor some_input(const ablaze::Model& model) {
  return ablaze::selftest_input(model.input_shape(), 1);
}

/// Runs a session repeatedly into one trace, as a server would.
void forward(benchmark::State& state, const ablaze::Model& model, int threads, ablaze::Isa isa) {
  ablaze::SessionOptions options;
  options.input = model.input_shape();
  options.execution.threads = threads;
  options.execution.isa = isa;
  const ablaze::Session session(model.graph, options);
  const ablaze::Tensor input = some_input(model);
  ablaze::Trace trace = session.run(input);
  for (auto _ : state) session.run(input, trace);

  double multiply_adds = 0;
  for (const ablaze::StepInfo& step : session.steps())
    multiply_adds += static_cast<double>(step.multiply_adds);
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * multiply_adds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// A complete Ablation-CAM of one class, without the compilation of the network.
void explain(benchmark::State& state, const ablaze::Model& model, const std::string& layer, int threads) {
  ablaze::ExplainOptions options;
  options.layer = layer;
  options.execution.threads = threads;
  ablaze::Explainer explainer(model, options);
  const ablaze::Tensor input = some_input(model);
  explainer.explain(input);
  for (auto _ : state) benchmark::DoNotOptimize(explainer.explain(input));
}

std::vector<ablaze::Isa> instruction_sets_here() {
  std::vector<ablaze::Isa> found;
  for (const ablaze::Isa isa : {ablaze::Isa::avx512, ablaze::Isa::avx2, ablaze::Isa::baseline}) {
    try {
      found.push_back(ablaze::resolve_isa(isa));
    } catch (const ablaze::UsageError&) {  // not supported by this processor
    }
  }
  return found;
}

std::vector<int> thread_counts() {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores > 1 ? std::vector{1, cores} : std::vector{1};
}

void add(const std::string& name, auto body) {
  benchmark::RegisterBenchmark(name.c_str(), body)->Unit(benchmark::kMillisecond)->UseRealTime();
}

void add_model(const std::filesystem::path& file, std::initializer_list<const char*> layers) {
  const ablaze::Model model = ablaze::load_model(file);
  for (const int threads : thread_counts()) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    for (const ablaze::Isa isa : instruction_sets_here()) {
      add("forward/" + model.architecture + "/" + ablaze::to_string(isa) + suffix,
          [=](benchmark::State& state) { forward(state, model, threads, isa); });
    }
    for (const std::string layer : layers) {
      add("explain/" + model.architecture + "/" + layer + suffix,
          [=](benchmark::State& state) { explain(state, model, layer, threads); });
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path resnet = ablaze::shipped_model();
  add_model(resnet, {"layer4", "layer3"});
  add_model(resnet.parent_path() / "vgg11_bn_thin-imagenette.safetensors", {"features.27"});

  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
