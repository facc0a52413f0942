// The cost of a gradient: the backward pass to a layer against the forward pass that it reverses.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ablaze/ablaze.hpp>

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> models;
  std::vector<std::string> layers{"layer1"};
  int threads = 0;
  int repeats = 15;
  int scores = 1;
  std::string isa = "auto";
  bool json = false;
};

struct Row {
  std::string model, layer;
  double forward = 0;   // ms: a full forward pass
  double after = 0;     // ms of it after the layer
  double backward = 0;  // ms: Trace::gradient
  double ratio() const { return backward / after; }
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

/// Forward milliseconds of the steps after the layer's own.
double milliseconds_after(const ablaze::Session& session, const std::string& layer,
                          const std::vector<double>& times) {
  const std::vector<ablaze::StepInfo> steps = session.steps();
  const auto own = std::ranges::find(steps, layer, &ablaze::StepInfo::name);
  double sum = 0;
  for (auto step = own == steps.end() ? steps.begin() : own + 1; step != steps.end(); ++step)
    sum += times[step - steps.begin()];
  return sum;
}

/// Alternates the two, so that a change in the machine's speed affects both alike.
Row measure(const ablaze::Model& model, const std::string& file, const std::string& layer,
            const Options& options) {
  ablaze::SessionOptions session_options;
  session_options.input = model.input_shape();
  session_options.keep = {layer};
  session_options.execution.threads = options.threads;
  session_options.execution.isa = ablaze::parse_isa(options.isa);
  const ablaze::Session session(model.graph, session_options);
  const std::string name = model.graph.node(model.graph.find(layer)).name;
  const ablaze::Tensor input = ablaze::selftest_input(session_options.input, 1);
  ablaze::Trace trace = session.run(input);
  std::vector<ablaze::Score> scores(options.scores);
  for (int s = 0; s < options.scores; ++s) scores[s].index = s;
  trace.gradient(layer, scores);  // packs the transposed weights

  std::vector<double> forward, tail, backward;
  for (int r = 0; r < options.repeats; ++r) {
    const std::vector<double> times = session.profile(input, 1);
    tail.push_back(milliseconds_after(session, name, times));
    auto begin = std::chrono::steady_clock::now();
    session.run(input, trace);
    forward.push_back(milliseconds_since(begin));
    begin = std::chrono::steady_clock::now();
    trace.gradient(layer, scores);
    backward.push_back(milliseconds_since(begin));
  }
  return {file.substr(file.find_last_of('/') + 1), layer, median(forward), median(tail), median(backward)};
}

void print(const Row& row) {
  std::printf("%-32s %-16s forward %8.2f ms, behind the layer %8.2f ms, backward %8.2f ms, %5.2f x\n",
              row.model.c_str(), row.layer.c_str(), row.forward, row.after, row.backward, row.ratio());
  std::fflush(stdout);
}

Json to_json(const Row& row) {
  return {{"model", row.model},
          {"layer", row.layer},
          {"forward_milliseconds", row.forward},
          {"behind_milliseconds", row.after},
          {"gradient_milliseconds", row.backward},
          {"ratio", row.ratio()}};
}

void run(const Options& options) {
  Json rows = Json::array();
  for (const std::string& file : options.models) {
    const ablaze::Model model = ablaze::load_model(file);
    for (const std::string& layer : options.layers) {
      if (!model.graph.contains(layer)) continue;
      const Row row = measure(model, file, layer, options);
      rows.push_back(to_json(row));
      if (!options.json) print(row);
    }
  }
  if (options.json) std::printf("%s\n", Json{{"rows", rows}}.dump().c_str());
  if (rows.empty()) throw ablaze::UsageError("no model has any of the layers");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Time of the backward pass to a layer and of the forward pass behind it", "ablaze_gradients");
  app.add_option("models", options.models, "Model files")->required();
  app.add_option("--layer", options.layers,
                 "Layers to differentiate at; layers that a model lacks are skipped");
  app.add_option("--threads", options.threads, "Number of threads (default: all cores)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--repeats", options.repeats, "Number of rounds; times are their medians")
      ->check(CLI::Range(1, 10000));
  app.add_option("--scores", options.scores, "Classes per pass")->check(CLI::Range(1, 1000));
  app.add_option("--isa", options.isa, "Instruction set: auto, avx512, avx2 or baseline");
  app.add_flag("--json", options.json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ablaze_gradients: %s\n", error.what());
    return 1;
  }
}
