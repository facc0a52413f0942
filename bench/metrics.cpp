// The cost of measuring heatmaps: photos per second, and the share of the engine's own batched throughput
// that is reached.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ablaze/ablaze.hpp>

namespace {

struct Options {
  std::string model;
  std::vector<std::string> photos;
  std::vector<std::string> methods{"ablation", "gradcam", "random"};
  std::vector<std::string> metrics{"average-drop", "increase", "insertion", "deletion"};
  int threads = 0;
  int repeats = 5;
  int batch = 16;
  bool json = false;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

template <class Work>
double seconds(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Result {
  double photo = 0;   ///< seconds per photo
  double probes = 0;  ///< per photo
  double engine = 0;  ///< probes per second, in batches only
  double share() const { return probes / photo / engine; }
};

/// Alternates the two, so that a change in the machine's speed affects both alike.
Result measure(const Options& options) {
  ablaze::ExplainOptions explain;
  explain.methods = options.methods;
  explain.execution.threads = options.threads;
  ablaze::EvaluateOptions evaluate;
  evaluate.metrics = options.metrics;
  const std::string file = options.model.empty() ? ablaze::shipped_model() : options.model;
  const ablaze::Model model = ablaze::load_model(file);
  ablaze::Evaluator evaluator(model, explain, evaluate);
  ablaze::Batch batch = ablaze::Explainer(model, explain).batch(std::size_t{1} << 30, options.batch);
  const ablaze::Tensor input = ablaze::selftest_input(model.input_shape(), 1);
  for (std::int64_t i = 0; i < batch.size(); ++i)
    std::ranges::copy(input.values(), batch.inputs().data() + i * input.size());

  Result result;
  std::vector<double> photos, passes;
  for (int r = -1; r < options.repeats; ++r) {
    const std::string& name = options.photos[static_cast<std::size_t>(r + 1) % options.photos.size()];
    const double photo = seconds([&] {
      evaluator.measure(ablaze::Image::load(name), std::nullopt, {}, [&](std::int64_t, std::int64_t total) {
        result.probes = static_cast<double>(total);
        return true;
      });
    });
    const auto rounds = static_cast<std::int64_t>(result.probes) / batch.size() / 2 + 1;
    const double pass = seconds([&] {
      for (std::int64_t i = 0; i < rounds; ++i) batch.run();
    });
    if (r < 0) continue;  // the first run includes one-time compilation
    photos.push_back(photo);
    passes.push_back(pass / static_cast<double>(rounds * batch.size()));
  }
  result.photo = median(photos);
  result.engine = 1 / median(passes);
  return result;
}

void print(const Result& result, const Options& options) {
  if (options.json) {
    const nlohmann::ordered_json json{{"photo_seconds", result.photo},
                                      {"probes", result.probes},
                                      {"pictures_per_second", result.probes / result.photo},
                                      {"engine_pictures_per_second", result.engine},
                                      {"share", result.share()}};
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf(
      "%.3f s a photo of %.0f probes: %.1f probes a second, %.1f %% of the engine's %.1f in batches\n",
      result.photo, result.probes, result.probes / result.photo, 100 * result.share(), result.engine);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Time of the metrics, compared with the network's own passes", "ablaze_metrics_bench");
  app.add_option("photos", options.photos, "Photos, measured in order")->required()->check(CLI::ExistingFile);
  app.add_option("--model", options.model, "Model file (default: the shipped ResNet)");
  app.add_option("--method", options.methods, "Methods")->delimiter(',');
  app.add_option("--metrics", options.metrics, "Metrics")->delimiter(',');
  app.add_option("--threads", options.threads, "Number of threads (default: all cores)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--repeats", options.repeats, "Number of rounds; times are their medians")
      ->check(CLI::Range(1, 10000));
  app.add_option("--batch", options.batch, "The engine's batch to compare with")->check(CLI::Range(1, 1024));
  app.add_flag("--json", options.json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    print(measure(options), options);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ablaze_metrics_bench: %s\n", error.what());
    return 1;
  }
}
