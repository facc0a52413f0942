#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/error.hpp>
#include <ablaze/machine.hpp>
#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "base/json.hpp"
#include "base/stopwatch.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/terminal.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace {

struct BenchWords {
  ModelChoice model;
  int repeats = 20;
  int batch = 1;
  std::string input, save_logits;
  bool json = false;
};

constexpr const char* kBenchExamples =
    "  ablaze bench resnet50.safetensors --threads 2\n"
    "  ablaze bench resnet50.safetensors --batch 16\n"
    "  ablaze bench resnet50.safetensors --isa avx2 --no-winograd --json\n\n"
    "Work is counted as for direct convolutions, so Winograd's may exceed 100 % of the peak.\n";

constexpr int kWarmUpRuns = 2;
constexpr int kMostImages = 64;
constexpr std::uint64_t kInputSeed = 1;
constexpr double kQuietShare = 0.9;  // below it, other processes disturb the times

struct Measurement {
  Shape input;
  double peak = 0;      ///< GFLOP/s with this number of threads
  double handover = 0;  ///< nanoseconds to move a cache line between cores
  double share = 1;     ///< share of the cores' time given to the threads, the minimum measured
  double load = 0, compile = 0, pass = 0;  ///< milliseconds
  std::vector<double> passes;              ///< `pass` is their median
  std::vector<StepInfo> steps;
  std::vector<double> step_milliseconds;
  std::string isa, signature;
  int threads = 0;
  std::uint64_t packed_bytes = 0, activation_bytes = 0;
};

/// FNV-1a of the logits' bytes: unchanged by a change that must not alter any number.
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

std::vector<double> time_passes(const Session& session, const Tensor& input, Trace& trace, int repeats) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const base::Stopwatch pass;
    session.run(input, trace);
    times.push_back(pass.milliseconds());
  }
  return times;
}

/// --input's images, or --batch generated ones: the content does not affect the time.
Tensor input_of(const Model& model, const BenchWords& words) {
  if (words.input.empty()) {
    Shape shape = model.input_shape();
    shape[0] = words.batch;
    return selftest_input(shape, kInputSeed);
  }
  Tensor images = formats::read_npy(words.input);
  if (images.rank() != 4 || images.dim(0) < 1 || images.dim(0) > kMostImages) {
    throw Error(words.input + ": expected NxCxHxW with at most " + std::to_string(kMostImages) +
                " images, found " + to_string(images.shape()));
  }
  return images;
}

Measurement measure(const Model& model, double load, const Common& common, const BenchWords& words) {
  const Tensor input = input_of(model, words);
  SessionOptions options = session_options(common);
  options.input = input.shape();
  Measurement out;
  out.input = input.shape();
  out.load = load;
  const base::Stopwatch compile;
  const Session session(model.graph, options);
  out.compile = compile.milliseconds();

  Trace trace = session.run(input);
  for (int i = 1; i < kWarmUpRuns; ++i) session.run(input, trace);
  const Isa isa = session.options().execution.isa;
  out.threads = session.options().execution.threads;
  // Measured before, between and after: another process may have taken a core for a while.
  const double peak_before = peak_operations(isa, out.threads);
  const double share_before = processor_share(out.threads);
  out.passes = time_passes(session, input, trace, words.repeats);
  out.pass = median(out.passes);
  const double share_between = processor_share(out.threads);
  out.steps = session.steps();
  out.step_milliseconds = session.profile(input, words.repeats);
  out.share = std::min({share_before, share_between, processor_share(out.threads)});
  out.peak = 1e-9 * std::max(peak_before, peak_operations(isa, out.threads));
  out.handover = 1e9 * handover_seconds(out.threads);
  out.isa = to_string(isa);
  const Tensor logits = trace.logits();
  out.signature = signature_of(logits);
  if (!words.save_logits.empty()) formats::write_npy(words.save_logits, logits);
  out.packed_bytes = session.packed_bytes();
  out.activation_bytes = session.activation_bytes();
  return out;
}

/// 0 without multiplications.
double gigaflops(std::int64_t multiply_adds, double milliseconds) {
  return milliseconds > 0 ? 2e-6 * static_cast<double>(multiply_adds) / milliseconds : 0;
}

std::int64_t total_multiply_adds(const Measurement& m) {
  std::int64_t sum = 0;
  for (const StepInfo& step : m.steps) sum += step.multiply_adds;
  return sum;
}

/// The last columns of a row: milliseconds, GFLOP/s and the share of the peak.
void add_row(Table& table, std::vector<std::string> cells, double milliseconds, std::int64_t multiply_adds,
             double peak) {
  cells.push_back(fixed(milliseconds, 3));
  if (multiply_adds > 0) {
    const double speed = gigaflops(multiply_adds, milliseconds);
    cells.push_back(fixed(speed, 1));
    cells.push_back(fixed(100 * speed / peak, 0) + " %");
  } else {
    cells.insert(cells.end(), 2, "");
  }
  table.add(std::move(cells));
}

std::string table_of(const Style& style, const Measurement& m) {
  using Align = Table::Align;
  Table table({{"step"},
               {"kind"},
               {"algorithm"},
               {"output"},
               {"ms", Align::right},
               {"GFLOP/s", Align::right},
               {"of peak", Align::right}});
  double sum = 0;
  for (std::size_t i = 0; i < m.steps.size(); ++i) {
    const StepInfo& step = m.steps[i];
    const double ms = m.step_milliseconds.at(i);
    sum += ms;
    add_row(table, {step.name, step.kind, step.algorithm, to_string(step.output)}, ms, step.multiply_adds,
            m.peak);
  }
  table.rule();
  const std::int64_t work = total_multiply_adds(m);
  add_row(table, {"sum of steps", "", "", ""}, sum, work, m.peak);
  add_row(table, {"whole pass", "", "", ""}, m.pass, work, m.peak);
  const std::int64_t images = m.input.at(0);
  if (images > 1) {
    add_row(table, {"per image", "", "", ""}, m.pass / static_cast<double>(images), work / images, m.peak);
  }
  return table.text(style);
}

/// "1 run", "2 runs"
std::string counted(int number, const char* thing) {
  return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

/// Threads on cores without a shared cache are slower than the same threads elsewhere.
std::string distance_text(const Measurement& m) {
  const bool known = m.threads > 1 && std::isfinite(m.handover);
  return known ? ", " + fixed(m.handover, 0) + " ns from core to core" : std::string();
}

std::string busy_text(const Style& style, const Measurement& m) {
  if (m.share >= kQuietShare) return {};
  return "\n  " +
         bold(style, "The machine was busy: these threads had " + fixed(100 * m.share, 0) +
                         " % of their cores' time.") +
         " The times above are unreliable; measure\n  again when it is quiet" +
         (m.threads > 1 ? ", or with --threads 1" : "") + ".\n";
}

std::string as_text(const Style& style, const Model& model, const Measurement& m, int repeats) {
  return bold(style, shown(model.source)) + ": " + model.architecture + " " + to_string(m.input) + ", " +
         m.isa + ", " + counted(m.threads, "thread") + ", medians of " + counted(repeats, "run") + "\n\n" +
         table_of(style, m) + "\n  measured peak " + fixed(m.peak, 1) + " GFLOP/s" + distance_text(m) +
         "\n  load " + fixed(m.load, 1) + " ms, compile " + fixed(m.compile, 1) + " ms; packed weights " +
         short_number(static_cast<double>(m.packed_bytes)) + "B, activations " +
         short_number(static_cast<double>(m.activation_bytes)) + "B\n  signature " + m.signature + "\n" +
         busy_text(style, m);
}

Json as_json(const Model& model, const Measurement& m, int repeats) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < m.steps.size(); ++i) {
    const StepInfo& step = m.steps[i];
    const double ms = m.step_milliseconds.at(i);
    steps.push_back({{"name", step.name},
                     {"kind", step.kind},
                     {"algorithm", step.algorithm},
                     {"output", step.output},
                     {"multiply_adds", step.multiply_adds},
                     {"milliseconds", ms},
                     {"gigaflops", gigaflops(step.multiply_adds, ms)},
                     {"share_of_peak", gigaflops(step.multiply_adds, ms) / m.peak}});
  }
  const double speed = gigaflops(total_multiply_adds(m), m.pass);
  return {
      {"model", model.source},
      {"architecture", model.architecture},
      {"input", m.input},
      {"isa", m.isa},
      {"threads", m.threads},
      {"repeats", repeats},
      {"peak_gigaflops", m.peak},
      {"handover_nanoseconds", m.handover},
      {"share_of_cores", m.share},
      {"quiet", m.share >= kQuietShare},
      {"gigaflops", speed},
      {"share_of_peak", speed / m.peak},
      {"milliseconds", {{"load", m.load}, {"compile", m.compile}, {"pass", m.pass}, {"passes", m.passes}}},
      {"packed_bytes", m.packed_bytes},
      {"activation_bytes", m.activation_bytes},
      {"steps", steps},
      {"signature", m.signature}};
}

int run(const BenchWords& words, const Common& common) {
  const base::Stopwatch load;
  const Model model = load_model(words.model.file, {.under = words.model.under});
  const Measurement m = measure(model, load.milliseconds(), common, words);
  if (words.json) {
    print_json(as_json(model, m, words.repeats));
  } else {
    print(as_text(style_of(1), model, m, words.repeats));
  }
  return all_done;
}

}  // namespace

Command bench_command(CLI::App& app, const Common& common) {
  CLI::App* grammar = app.add_subcommand("bench", "Time a model's forward pass, per step");
  const auto words = std::make_shared<BenchWords>();
  grammar->add_option("MODEL", words->model.file, "The model file")->required()->type_name("");
  add_under_option(*grammar, words->model.under);
  grammar->add_option("--repeats", words->repeats, "Number of runs; times are their medians")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  CLI::Option* batch = grammar->add_option("--batch", words->batch, "Number of images in one pass")
                           ->type_name("N")
                           ->check(CLI::Range(1, kMostImages))
                           ->capture_default_str();
  grammar->add_option("--input", words->input, "A .npy file of NxCxHxW to use instead of random images")
      ->type_name("FILE")
      ->excludes(batch);  // by its name, CLI11 would terminate where memory ends
  grammar->add_option("--save-logits", words->save_logits, "Write the logits as .npy, N x classes, float32")
      ->type_name("FILE");
  grammar->add_flag("--json", words->json, "Print one JSON object");
  add_footer(*grammar, kBenchExamples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
