// Single convolutions with cold weights: the share of the machine's peak reached for each shape of VGG-16,
// ResNet-18 and ResNet-50. See bench/README.md.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ablaze/ablaze.hpp>

namespace {

using Json = nlohmann::ordered_json;

struct Layer {
  const char* network;  ///< the first that contains it
  int in_channels, out_channels;
  int size;  ///< the input's height and width
  int kernel, stride;
};

constexpr Layer kLayers[] = {
    {"vgg16", 3, 64, 224, 3, 1},        {"vgg16", 64, 64, 224, 3, 1},      {"vgg16", 64, 128, 112, 3, 1},
    {"vgg16", 128, 128, 112, 3, 1},     {"vgg16", 128, 256, 56, 3, 1},     {"vgg16", 256, 256, 56, 3, 1},
    {"vgg16", 256, 512, 28, 3, 1},      {"vgg16", 512, 512, 28, 3, 1},     {"vgg16", 512, 512, 14, 3, 1},
    {"resnet18", 3, 64, 224, 7, 2},     {"resnet18", 64, 64, 56, 3, 1},    {"resnet18", 64, 128, 56, 3, 2},
    {"resnet18", 64, 128, 56, 1, 2},    {"resnet18", 128, 128, 28, 3, 1},  {"resnet18", 128, 256, 28, 3, 2},
    {"resnet18", 128, 256, 28, 1, 2},   {"resnet18", 256, 256, 14, 3, 1},  {"resnet18", 256, 512, 14, 3, 2},
    {"resnet18", 256, 512, 14, 1, 2},   {"resnet18", 512, 512, 7, 3, 1},   {"resnet50", 64, 64, 56, 1, 1},
    {"resnet50", 64, 256, 56, 1, 1},    {"resnet50", 256, 64, 56, 1, 1},   {"resnet50", 256, 128, 56, 1, 1},
    {"resnet50", 128, 128, 56, 3, 2},   {"resnet50", 128, 512, 28, 1, 1},  {"resnet50", 256, 512, 56, 1, 2},
    {"resnet50", 512, 128, 28, 1, 1},   {"resnet50", 512, 256, 28, 1, 1},  {"resnet50", 256, 256, 28, 3, 2},
    {"resnet50", 256, 1024, 14, 1, 1},  {"resnet50", 512, 1024, 28, 1, 2}, {"resnet50", 1024, 256, 14, 1, 1},
    {"resnet50", 1024, 512, 14, 1, 1},  {"resnet50", 512, 512, 14, 3, 2},  {"resnet50", 512, 2048, 7, 1, 1},
    {"resnet50", 1024, 2048, 14, 1, 2}, {"resnet50", 2048, 512, 7, 1, 1},
};

/// Copies of a layer in one network. The first is not counted: its output's memory is as cold as its weights.
constexpr int kCopies = 4;
/// Weights read between two uses of the layer's own: more than any cache near a few cores holds.
constexpr std::int64_t kBallastFloats = std::int64_t{24} << 20;

struct Options {
  int threads = 0, repeats = 9, batch = 1;
  std::string isa = "auto", only;
  bool winograd = false, json = false;
};

struct Measurement {
  double milliseconds = 0, gigaflops = 0;
  std::string algorithm;
};

struct Row {
  const Layer* layer = nullptr;
  double peak = 0;      ///< GFLOP/s
  double handover = 0;  ///< nanoseconds to move a cache line between cores
  Measurement direct, chosen;
  double share() const { return direct.gigaflops / peak; }
};

std::string name_of(const Layer& layer) {
  std::string name = std::to_string(layer.kernel) + "x" + std::to_string(layer.kernel);
  if (layer.stride > 1) name += "/" + std::to_string(layer.stride);
  return name + " " + std::to_string(layer.in_channels) + "->" + std::to_string(layer.out_channels) + " @" +
         std::to_string(layer.size);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Seeded numbers, scaled to keep activations near 1 for any number of inputs.
ablaze::Weight seeded_weight(const ablaze::Shape& shape, std::uint64_t seed, int inputs) {
  ablaze::Tensor values = ablaze::selftest_input(shape, seed);
  for (float& value : values.values()) value /= static_cast<float>(inputs);
  return values;
}

/// Zeros [rows, columns], all views of one buffer.
ablaze::Weight ballast(std::int64_t columns) {
  static const auto buffer = std::make_shared<const ablaze::Tensor>(ablaze::Shape{kBallastFloats});
  const std::int64_t rows = kBallastFloats / columns;
  return {ablaze::DType::f32, {rows, columns}, std::as_bytes(buffer->values().first(rows * columns)), buffer};
}

/// input -> ReLU -> (convolution -> ReLU -> one pixel) x copies -> sum -> linear. The copies share their
/// input, which stays in the cache as it would after a preceding layer, and their output's memory, which no
/// other core reads meanwhile. Their weights differ, and the linear layer's weights evict them again.
ablaze::Graph network_of(const Layer& layer) {
  namespace op = ablaze::op;
  ablaze::Graph graph;
  ablaze::NodeId input = graph.add("input", op::Input{{layer.in_channels, layer.size, layer.size}}, {});
  const bool first = layer.in_channels == 3;  // reads the image itself
  if (!first) input = graph.add("before", op::Relu{}, {input});
  const int padding = layer.kernel / 2;
  const int fan_in = layer.in_channels * layer.kernel * layer.kernel;
  ablaze::NodeId sum = -1;
  for (int copy = 0; copy < kCopies; ++copy) {
    const std::string number = std::to_string(copy);
    op::Conv2d conv;
    conv.weight = seeded_weight({layer.out_channels, layer.in_channels, layer.kernel, layer.kernel},
                                static_cast<std::uint64_t>(copy), fan_in);
    conv.bias = seeded_weight({layer.out_channels}, static_cast<std::uint64_t>(copy), 1);
    conv.stride = {layer.stride, layer.stride};
    conv.padding = {padding, padding};
    const ablaze::NodeId convolved = graph.add("conv" + number, conv, {input});
    const ablaze::NodeId rectified = graph.add("relu" + number, op::Relu{}, {convolved});
    const int size = (layer.size + layer.stride - 1) / layer.stride;
    const ablaze::NodeId corner =
        graph.add("corner" + number, op::MaxPool2d{{1, 1}, {size, size}}, {rectified});
    sum = sum < 0 ? corner : graph.add("sum" + number, op::Add{}, {sum, corner});
  }
  const ablaze::NodeId flat = graph.add("flat", op::Flatten{}, {sum});
  graph.add("ballast", op::Linear{ballast(layer.out_channels), {}}, {flat});
  return graph;
}

Measurement measure(const ablaze::Graph& graph, const Layer& layer, const Options& options, bool winograd) {
  ablaze::SessionOptions session_options;
  session_options.input = {options.batch, layer.in_channels, layer.size, layer.size};
  session_options.execution.threads = options.threads;
  session_options.execution.isa = ablaze::parse_isa(options.isa);
  session_options.execution.winograd = winograd;
  const ablaze::Session session(graph, session_options);
  const std::vector<ablaze::StepInfo> steps = session.steps();
  const std::vector<double> times =
      session.profile(ablaze::selftest_input(session_options.input, 1), options.repeats);

  Measurement result;
  std::vector<double> counted;
  std::int64_t multiply_adds = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].name.starts_with("relu") || steps[i].name == "relu0") continue;
    counted.push_back(times[i]);
    multiply_adds = steps[i].multiply_adds;
    result.algorithm = steps[i].algorithm;
  }
  result.milliseconds = median(counted);
  result.gigaflops = 2e-6 * static_cast<double>(multiply_adds) / result.milliseconds;
  return result;
}

Row measure(const Layer& layer, const Options& options) {
  const ablaze::Graph graph = network_of(layer);
  const ablaze::Isa isa = ablaze::resolve_isa(ablaze::parse_isa(options.isa));
  Row row;
  row.layer = &layer;
  const double before = ablaze::peak_operations(isa, options.threads);
  row.direct = measure(graph, layer, options, false);
  row.handover = 1e9 * ablaze::handover_seconds(options.threads);
  row.peak = 1e-9 * std::max(before, ablaze::peak_operations(isa, options.threads));
  if (options.winograd) row.chosen = measure(graph, layer, options, true);
  return row;
}

void print_row(const Row& row, const Options& options) {
  std::printf("%-9s %-20s %-20s %8.3f ms %7.1f GFLOP/s %4.0f %% %5.0f ns apart", row.layer->network,
              name_of(*row.layer).c_str(), row.direct.algorithm.c_str(), row.direct.milliseconds,
              row.direct.gigaflops, 100 * row.share(), row.handover);
  if (options.winograd) {
    std::printf("   %-20s %8.3f ms  %4.2f times as fast", row.chosen.algorithm.c_str(),
                row.chosen.milliseconds, row.direct.milliseconds / row.chosen.milliseconds);
  }
  std::printf("\n");
  std::fflush(stdout);
}

Json to_json(const Measurement& m) {
  return {{"algorithm", m.algorithm}, {"milliseconds", m.milliseconds}, {"gigaflops", m.gigaflops}};
}

Json to_json(const Row& row, const Options& options) {
  Json json{{"network", row.layer->network}, {"layer", name_of(*row.layer)},
            {"peak_gigaflops", row.peak},    {"handover_nanoseconds", row.handover},
            {"share_of_peak", row.share()},  {"direct", to_json(row.direct)}};
  if (options.winograd) json["chosen"] = to_json(row.chosen);
  return json;
}

/// Median and minimum of the rows' shares of the peak, without 7x7 stems, which are a separate case.
Json summary(const std::vector<Row>& rows) {
  std::vector<double> shares;
  const Row* worst = nullptr;
  for (const Row& row : rows) {
    if (row.layer->kernel > 3) continue;
    shares.push_back(row.share());
    if (worst == nullptr || row.share() < worst->share()) worst = &row;
  }
  if (worst == nullptr) return nullptr;
  return {{"layers", shares.size()},
          {"median_share", median(shares)},
          {"worst_share", worst->share()},
          {"worst_layer", name_of(*worst->layer)}};
}

bool is_wanted(const Layer& layer, const Options& options) {
  if (options.winograd && (layer.kernel != 3 || layer.stride != 1)) return false;
  return (std::string(layer.network) + " " + name_of(layer)).find(options.only) != std::string::npos;
}

int run(const Options& options) {
  std::vector<Row> rows;
  for (const Layer& layer : kLayers) {
    if (!is_wanted(layer, options)) continue;
    rows.push_back(measure(layer, options));
    if (!options.json) print_row(rows.back(), options);
  }
  const Json sums = summary(rows);
  if (options.json) {
    Json list = Json::array();
    for (const Row& row : rows) list.push_back(to_json(row, options));
    std::printf("%s\n", Json{{"layers", list}, {"summary", sums}}.dump().c_str());
  } else if (!sums.is_null()) {
    std::printf("\n%zu layers of 3x3 and 1x1: median %.0f %% of the measured peak, worst %.0f %% (%s)\n",
                sums["layers"].get<std::size_t>(), 100 * sums["median_share"].get<double>(),
                100 * sums["worst_share"].get<double>(), sums["worst_layer"].get<std::string>().c_str());
  }
  return rows.empty() ? 2 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Time of single convolutions with cold weights, and the share of the machine's peak",
               "ablaze_layers");
  app.add_option("--threads", options.threads, "Number of threads (default: all cores)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--repeats", options.repeats, "Number of runs; times are their medians")
      ->check(CLI::Range(1, 10000));
  app.add_option("--batch", options.batch, "Images per pass")->check(CLI::Range(1, 64));
  app.add_option("--isa", options.isa, "Instruction set: auto, avx512, avx2 or baseline");
  app.add_option("--only", options.only, "Layers whose network and name contain this, as \"1x1/2\"");
  app.add_flag("--winograd", options.winograd,
               "Only 3x3 convolutions of stride 1: direct and the chosen algorithm side by side");
  app.add_flag("--json", options.json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ablaze_layers: %s\n", error.what());
    return 1;
  }
}
