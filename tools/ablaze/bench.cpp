#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "ablaze/command.hpp"
#include "ablaze/command_line.hpp"
#include "ablaze/network.hpp"
#include "ablaze/output.hpp"
#include "ablaze/terminal.hpp"

namespace ablaze::cli {

namespace {

struct Words {
  std::string model;
  int repeats = 20;
  bool json = false;
};

constexpr const char* examples =
    "  ablaze bench resnet50.safetensors --threads 2\n"
    "  ablaze bench resnet50.safetensors --isa avx2 --no-winograd --json\n";

constexpr int warm_up_runs = 2;
constexpr std::uint64_t input_seed = 1;

struct Measurement {
  double load = 0, compile = 0, pass = 0;  ///< milliseconds
  std::vector<StepInfo> steps;
  std::vector<double> step_milliseconds;
  std::string isa, signature;
  int threads = 0;
  std::size_t packed_bytes = 0, activation_bytes = 0;
};

/// FNV-1a over the logits' bytes: a change that was to change no number leaves it as it was.
std::string signature_of(const Tensor& logits) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte byte : std::as_bytes(logits.values())) {
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
  }
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double median_pass(const Session& session, const Tensor& input, Trace& trace, int repeats) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const Stopwatch pass;
    session.run(input, trace);
    times.push_back(pass.milliseconds());
  }
  return median(std::move(times));
}

Measurement measure(const Model& model, double load, const Common& common, int repeats) {
  const Tensor input = selftest_input(model.input_shape(), input_seed);
  SessionOptions options = session_options(common);
  options.input = input.shape();
  Measurement out;
  out.load = load;
  const Stopwatch compile;
  const Session session(model.graph, options);
  out.compile = compile.milliseconds();

  Trace trace = session.run(input);
  for (int i = 1; i < warm_up_runs; ++i) session.run(input, trace);
  out.pass = median_pass(session, input, trace, repeats);
  out.steps = session.steps();
  out.step_milliseconds = session.profile(input, repeats);
  out.isa = to_string(resolve_isa(common.isa));
  out.threads = session.options().threads;
  out.signature = signature_of(trace.logits());
  out.packed_bytes = session.packed_bytes();
  out.activation_bytes = session.activation_bytes();
  return out;
}

double gigaflops(std::int64_t multiply_adds, double milliseconds) {
  return milliseconds > 0 ? 2e-6 * static_cast<double>(multiply_adds) / milliseconds : 0;
}

std::int64_t total_multiply_adds(const Measurement& m) {
  std::int64_t sum = 0;
  for (const StepInfo& step : m.steps) sum += step.multiply_adds;
  return sum;
}

std::string speed(std::int64_t multiply_adds, double milliseconds) {
  return multiply_adds == 0 ? std::string() : fixed(gigaflops(multiply_adds, milliseconds), 1);
}

std::string table_of(const Style& style, const Measurement& m) {
  using Align = Table::Align;
  Table table(
      {{"step"}, {"kind"}, {"algorithm"}, {"output"}, {"ms", Align::right}, {"GFLOP/s", Align::right}});
  double sum = 0;
  for (std::size_t i = 0; i < m.steps.size(); ++i) {
    const StepInfo& step = m.steps[i];
    const double ms = m.step_milliseconds.at(i);
    sum += ms;
    table.add({step.name, step.kind, step.algorithm, to_string(step.output), fixed(ms, 3),
               speed(step.multiply_adds, ms)});
  }
  table.rule();
  const std::int64_t work = total_multiply_adds(m);
  table.add({"sum of steps", "", "", "", fixed(sum, 3), speed(work, sum)});
  table.add({"whole pass", "", "", "", fixed(m.pass, 3), speed(work, m.pass)});
  return table.text(style);
}

std::string as_text(const Style& style, const Model& model, const Measurement& m, int repeats) {
  return bold(style, shown(model.source)) + ": " + model.architecture + " " + to_string(model.input_shape()) +
         ", " + m.isa + ", medians of " + std::to_string(repeats) + " runs\n\n" + table_of(style, m) +
         "\n  load " + fixed(m.load, 1) + " ms, compile " + fixed(m.compile, 1) + " ms; packed weights " +
         short_number(static_cast<double>(m.packed_bytes)) + "B, activations " +
         short_number(static_cast<double>(m.activation_bytes)) + "B\n  signature " + m.signature + "\n";
}

Json as_json(const Model& model, const Measurement& m, int repeats) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < m.steps.size(); ++i) {
    const StepInfo& step = m.steps[i];
    steps.push_back({{"name", step.name},
                     {"kind", step.kind},
                     {"algorithm", step.algorithm},
                     {"output", step.output},
                     {"multiply_adds", step.multiply_adds},
                     {"milliseconds", m.step_milliseconds.at(i)}});
  }
  return {{"model", model.source.string()},
          {"architecture", model.architecture},
          {"input", model.input_shape()},
          {"isa", m.isa},
          {"threads", m.threads},
          {"repeats", repeats},
          {"milliseconds", {{"load", m.load}, {"compile", m.compile}, {"pass", m.pass}}},
          {"packed_bytes", m.packed_bytes},
          {"activation_bytes", m.activation_bytes},
          {"steps", steps},
          {"signature", m.signature}};
}

int run(const Words& words, const Common& common) {
  const Stopwatch load;
  const Model model = load_model(words.model);
  const Measurement m = measure(model, load.milliseconds(), common, words.repeats);
  if (words.json) {
    print_json(as_json(model, m, words.repeats));
  } else {
    print(as_text(style_of(1), model, m, words.repeats));
  }
  return all_done;
}

}  // namespace

Command bench_command(CLI::App& app, const Common& common) {
  CLI::App* grammar = app.add_subcommand("bench", "Time a model's forward pass, step by step");
  const auto words = std::make_shared<Words>();
  grammar->add_option("MODEL", words->model, "The model file")->required()->type_name("");
  grammar->add_option("--repeats", words->repeats, "Runs to take the median of")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  grammar->add_flag("--json", words->json, "Print one JSON object");
  add_footer(*grammar, examples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
