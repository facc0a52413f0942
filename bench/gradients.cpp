// What a gradient costs: the way back to a layer beside the forward pass that it reverses.
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
  double whole = 0;   // ms: a forward pass from the picture on
  double behind = 0;  // of it, the steps behind the layer
  double back = 0;    // ms: Trace::gradient
  double ratio() const { return back / behind; }
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

/// Forward milliseconds of the steps that come after the layer's own.
double behind(const ablaze::Session& session, const std::string& layer, const std::vector<double>& times) {
  const std::vector<ablaze::StepInfo> steps = session.steps();
  const auto own = std::ranges::find(steps, layer, &ablaze::StepInfo::name);
  double sum = 0;
  for (auto step = own == steps.end() ? steps.begin() : own + 1; step != steps.end(); ++step)
    sum += times[step - steps.begin()];
  return sum;
}

/// In turns, so that a machine whose speed wanders treats both alike.
Row measure(const ablaze::Model& model, const std::string& file, const std::string& layer,
            const Options& options) {
  ablaze::SessionOptions wish;
  wish.input = model.input_shape();
  wish.keep = {layer};
  wish.execution.threads = options.threads;
  wish.execution.isa = ablaze::parse_isa(options.isa);
  const ablaze::Session session(model.graph, wish);
  const std::string name = model.graph.node(model.graph.find(layer)).name;
  const ablaze::Tensor input = ablaze::selftest_input(wish.input, 1);
  ablaze::Trace trace = session.run(input);
  std::vector<ablaze::Score> scores(options.scores);
  for (int s = 0; s < options.scores; ++s) scores[s].index = s;
  trace.gradient(layer, scores);  // packs the transposed weights

  std::vector<double> whole, tail, back;
  for (int r = 0; r < options.repeats; ++r) {
    const std::vector<double> times = session.profile(input, 1);
    tail.push_back(behind(session, name, times));
    auto begin = std::chrono::steady_clock::now();
    session.run(input, trace);
    whole.push_back(milliseconds_since(begin));
    begin = std::chrono::steady_clock::now();
    trace.gradient(layer, scores);
    back.push_back(milliseconds_since(begin));
  }
  return {file.substr(file.find_last_of('/') + 1), layer, median(whole), median(tail), median(back)};
}

void print(const Row& row) {
  std::printf("%-32s %-16s forward %8.2f ms, behind the layer %8.2f ms, back %8.2f ms, %5.2f x\n",
              row.model.c_str(), row.layer.c_str(), row.whole, row.behind, row.back, row.ratio());
  std::fflush(stdout);
}

Json to_json(const Row& row) {
  return {{"model", row.model},
          {"layer", row.layer},
          {"forward_milliseconds", row.whole},
          {"behind_milliseconds", row.behind},
          {"gradient_milliseconds", row.back},
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
  if (rows.empty()) throw ablaze::UsageError("none of the models has one of the layers");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A gradient's way back to a layer, beside the forward pass that it reverses",
               "ablaze_gradients");
  app.add_option("models", options.models, "Model files")->required();
  app.add_option("--layer", options.layers, "Layers to go back to; a model without one leaves it out");
  app.add_option("--threads", options.threads, "Threads to use (default: all cores)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--repeats", options.repeats, "Turns to take the median of")->check(CLI::Range(1, 10000));
  app.add_option("--scores", options.scores, "Classes at once")->check(CLI::Range(1, 1000));
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
