#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/convert.hpp>
#include <ablaze/error.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/model.hpp>

#include "base/folders.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

namespace {

struct InspectWords {
  ModelChoice model;
  bool json = false;
  bool verify = false;
};

constexpr const char* kInspectExamples =
    "  ablaze inspect resnet50.safetensors\n"
    "  ablaze inspect resnet50.safetensors --verify\n"
    "  ablaze inspect resnet50.safetensors --json | jq '.layers[].name'\n";

constexpr std::size_t kMostLabelsShown = 5;

/// A layer's row in the table.
struct Row {
  std::string name, kind;
  Shape output;  ///< of one input, with the batch axis
  std::int64_t parameters = 0, multiply_adds = 0;
  bool target = false;  ///< the default target layer
};

struct Layers {
  std::vector<Row> rows;
  std::int64_t parameters = 0, multiply_adds = 0;
};

// ---- short descriptions of nodes ----------------------------------------------------------------------

std::string pair_text(std::array<int, 2> pair) {
  return pair[0] == pair[1] ? std::to_string(pair[0])
                            : std::to_string(pair[0]) + "x" + std::to_string(pair[1]);
}

std::string window(const char* name, std::int64_t height, std::int64_t width, std::array<int, 2> stride) {
  std::string text = std::string(name) + " " + std::to_string(height) + "x" + std::to_string(width);
  if (stride != std::array{1, 1}) text += " /" + pair_text(stride);
  return text;
}

std::string describe(const Op& op) {
  return std::visit(
      [&op](const auto& o) -> std::string {
        using T = std::decay_t<decltype(o)>;
        if constexpr (std::is_same_v<T, op::Conv2d>) {
          const Shape& weight = o.weight.shape();
          std::string text = window("conv", weight.at(2), weight.at(3), o.stride);
          if (o.groups > 1) text += ", " + std::to_string(o.groups) + " groups";
          return text;
        } else if constexpr (std::is_same_v<T, op::MaxPool2d>) {
          return window("max pool", o.kernel[0], o.kernel[1], o.stride);
        } else if constexpr (std::is_same_v<T, op::AvgPool2d>) {
          return window("average pool", o.kernel[0], o.kernel[1], o.stride);
        } else if constexpr (std::is_same_v<T, op::AdaptiveAvgPool2d>) {
          return window("average pool to", o.output[0], o.output[1], {1, 1});
        } else if constexpr (std::is_same_v<T, op::ChannelMap>) {
          return "channels to " + std::to_string(o.from.size()) +
                 (o.stride == std::array{1, 1} ? "" : " /" + pair_text(o.stride));
        } else {
          return base::lower(op_name(op));
        }
      },
      op);
}

Layers layers_of(const Model& model) {
  const Graph& graph = model.graph;
  const auto shapes = graph.infer_shapes(model.input_shape());
  const NodeId target = graph.find(model.default_layer);
  Layers layers;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    Row row{
        node.name,   describe(node.op), shapes[id], parameter_count(node), multiply_adds(graph, id, shapes),
        id == target};
    layers.parameters += row.parameters;
    layers.multiply_adds += row.multiply_adds;
    layers.rows.push_back(std::move(row));
  }
  return layers;
}

// ---- the two output formats ---------------------------------------------------------------------------

std::string label_summary(const Model& model) {
  std::vector<std::string> some;
  for (const std::string& label : model.labels) {
    if (some.size() == kMostLabelsShown) break;
    some.push_back(base::printable(label, 30));
  }
  if (some.empty()) return "no labels";
  if (model.labels.size() > some.size()) some.emplace_back("...");
  return base::join(some, ", ");
}

std::string numbers(const std::array<float, 3>& values) {
  return fixed(values[0], 3) + " " + fixed(values[1], 3) + " " + fixed(values[2], 3);
}

std::string size_on_disk(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  return base::failed(error) ? "" : " (" + short_number(static_cast<double>(bytes)) + "B)";
}

std::string fit_of(const Preprocess& preprocess) {
  switch (preprocess.fit) {
    case Fit::squash:
      return "both sides, ";
    case Fit::border:
      return "the longer side, with borders, ";
    default:
      return "";
  }
}

std::string head_of(const Style& style, const Model& model) {
  const Preprocess& preprocess = model.preprocess;
  const auto line = [&](std::string_view title, const std::string& text) {
    return "  " + dim(style, padded(title, 14)) + text + "\n";
  };
  std::string notes;
  for (const std::string& note : model.notes) notes += line("note", note);
  return bold(style, shown(model.source)) + size_on_disk(model.source) + "\n" +
         line("architecture", model.architecture) +
         line("classes", std::to_string(model.class_count()) + ": " + label_summary(model)) +
         line("head", to_string(model.activation)) +
         line("input",
              to_string(model.input_shape()) + ": resize " + std::to_string(preprocess.resize) + " (" +
                  fit_of(preprocess) + to_string(preprocess.interpolation) + "), crop " +
                  std::to_string(preprocess.crop) +
                  (preprocess.width() == preprocess.crop ? "" : " x " + std::to_string(preprocess.width())) +
                  (preprocess.channels == 1 ? ", grey" : "") + ", mean " + numbers(preprocess.mean) +
                  ", std " + numbers(preprocess.std)) +
         line("target layer", model.default_layer) +
         line("provenance",
              model.provenance.empty() ? "not stated" : base::printable(model.provenance, 400)) +
         line("self-test", model.selftest ? "in the file; --verify runs it" : "none") + notes;
}

std::string table_of(const Style& style, const Layers& layers, const std::string& target) {
  using Align = Table::Align;
  Table table(
      {{"layer"}, {"kind"}, {"output"}, {"parameters", Align::right}, {"multiply-adds", Align::right}, {""}});
  const auto count = [](std::int64_t n) { return n == 0 ? std::string() : grouped(n); };
  for (const Row& row : layers.rows) {
    table.add({row.name, row.kind, to_string(row.output), count(row.parameters), count(row.multiply_adds),
               row.target ? "<- " + target + ", the default target" : ""});
  }
  table.rule();
  table.add({"total", std::to_string(layers.rows.size()) + " layers", "", grouped(layers.parameters),
             grouped(layers.multiply_adds), ""});
  return table.text(style);
}

Json as_json(const Model& model, const Layers& layers) {
  Json rows = Json::array();
  for (const Row& row : layers.rows) {
    rows.push_back({{"name", row.name},
                    {"kind", row.kind},
                    {"output", row.output},
                    {"parameters", row.parameters},
                    {"multiply_adds", row.multiply_adds}});
  }
  const Preprocess& preprocess = model.preprocess;
  return {{"model", model.source},
          {"architecture", model.architecture},
          {"classes", model.class_count()},
          {"labels", model.labels},
          {"synsets", model.synsets},
          {"activation", to_string(model.activation)},
          {"preprocess",
           {{"resize", preprocess.resize},
            {"crop", preprocess.crop},
            {"crop_width", preprocess.width()},
            {"channels", preprocess.channels},
            {"interpolation", to_string(preprocess.interpolation)},
            {"fit", to_string(preprocess.fit)},
            {"mean", preprocess.mean},
            {"std", preprocess.std}}},
          {"input", model.input_shape()},
          {"target_layer", model.default_layer},
          {"provenance", model.provenance},
          {"has_selftest", model.selftest.has_value()},
          {"notes", model.notes},
          {"layers", rows},
          {"parameters", layers.parameters},
          {"multiply_adds", layers.multiply_adds}};
}

void require_passed(const Model& model, const Verification& check) {
  if (check.passed) return;
  throw Error(shown(model.source) + ": the self-test failed: the logits differ from the converter's by " +
              scientific(check.error) +
              " (relative; at most 1e-4 passes): the file is damaged; convert it again");
}

int run(const InspectWords& words) {
  const Model model = load_model(words.model.file, {.under = words.model.under});
  const Layers layers = layers_of(model);
  const Style style = style_of(1);
  Verification check;
  if (words.verify) check = verify_model(model);

  if (words.json) {
    Json out = as_json(model, layers);
    if (words.verify) out["selftest"] = {{"error", check.error}, {"passed", check.passed}};
    print_json(out);
  } else {
    print(head_of(style, model) + "\n" + table_of(style, layers, base::printable(model.default_layer)));
    if (words.verify && check.passed) {
      print("\nself-test passed: the logits match the converter's (relative difference " +
            scientific(check.error) + ")\n");
    }
  }
  if (words.verify) require_passed(model, check);
  return all_done;
}

}  // namespace

Command inspect_command(CLI::App& app, const Common& /*common*/) {
  CLI::App* grammar =
      app.add_subcommand("inspect", "Show a model file: its layers, shapes, sizes and default target");
  const auto words = std::make_shared<InspectWords>();
  grammar->add_option("MODEL", words->model.file, "The model file")->required()->type_name("");
  add_under_option(*grammar, words->model.under);
  grammar->add_flag("--json", words->json, "Print one JSON object");
  grammar->add_flag("--verify", words->verify, "Run the file's self-test");
  add_footer(*grammar, kInspectExamples);
  return {grammar, [words] { return run(*words); }};
}

}  // namespace ablaze::cli
