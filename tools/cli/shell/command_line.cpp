#include "cli/shell/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <iostream>
#include <limits>
#include <new>
#include <optional>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>
#include <ablaze/machine.hpp>

#include "base/text.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/help.hpp"
#include "cli/shell/output.hpp"

namespace ablaze::cli {

namespace {

constexpr const char* kExitStatuses =
    "Exit status: 0 all inputs succeeded; 1 an input or the model failed (the other inputs are done);\n"
    "2 wrong usage; 130 interrupted.";

void add_common_options(CLI::App& grammar, Common& common) {
  const auto everywhere = [](CLI::Option* option) { return option->group(kCommonGroup); };
  everywhere(
      grammar.add_option("--threads", common.execution.threads, "Number of threads (default: all cores)"))
      ->type_name("N")
      ->check(CLI::Range(0, 1024));
  everywhere(grammar.add_option_function<std::string>(
                 "--isa", [&common](const std::string& name) { common.execution.isa = parse_isa(name); },
                 "Instruction set: auto, avx512, avx2 or baseline"))
      ->type_name("NAME");
  everywhere(grammar.add_flag_callback(
      "--no-winograd", [&common] { common.execution.winograd = false; },
      "Use direct convolutions only: slower, one more exact digit"));
  everywhere(grammar.add_option_function<std::string>(
                 "--memory",
                 [&common](const std::string& size) { common.execution.memory_limit = parse_size(size); },
                 "Memory limit of one input's activations (default: 4G)"))
      ->type_name("SIZE");
  everywhere(
      grammar.add_flag("-q,--quiet", common.quiet, "Print results and errors only: no progress, no remarks"));
  everywhere(grammar.set_version_flag("--version", "ablaze " ABLAZE_VERSION "\nJPEG by " + jpeg_decoder(),
                                      "Print the versions of the program and of its JPEG decoder"));
  everywhere(grammar.get_help_ptr());
}

void describe_program(CLI::App& app) {
  app.set_help_flag("-h,--help", "Print this help");  // subcommands inherit it
  app.require_subcommand(1, 1);
  app.formatter(help_format());
  app.footer(
      std::string("Examples:\n"
                  "  ablaze explain photo.jpg                      overlay of the top class, in ablaze-out/\n"
                  "  ablaze classify photos/ --top 3               the top classes of every photo\n"
                  "  ablaze evaluate photos/ --method ablation,gradcam --out results\n"
                  "  ablaze convert resnet50.pth --out resnet50.safetensors\n"
                  "  ablaze explain --help                         options and examples of one command\n\n") +
      kExitStatuses);
}

const CLI::App* chosen_subcommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? nullptr : chosen.front();
}

std::vector<std::string> option_names(const CLI::App& grammar) {
  std::vector<std::string> names;
  for (const CLI::Option* option : grammar.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// CLI11's own search is noexcept, but copies names: where memory ends, it would terminate the program.
bool has_option(const CLI::App& grammar, const std::string& name) {
  return std::ranges::any_of(grammar.get_options(),
                             [&](const CLI::Option* option) { return option->check_name(name); });
}

/// The subcommand that has an option given to another one.
std::optional<std::string> owner_of(const CLI::App& app, const std::string& option) {
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (has_option(*subcommand, option)) return subcommand->get_name();
  }
  return std::nullopt;
}

std::string unknown_option(const CLI::App& app, const CLI::App& grammar, const std::string& word) {
  const std::string name = "--" + word.substr(std::min(word.find_first_not_of('-'), word.size()));
  const std::string bare = name.substr(0, name.find('='));
  std::string message = "no option " + base::printable(word.substr(0, word.find('=')));
  if (const auto owner = owner_of(app, bare)) {
    return message + (has_option(grammar, bare)
                          ? " (did you mean " + bare + "?)"
                          : " in this command: it is an option of 'ablaze " + *owner + "'");
  }
  return message + base::did_you_mean(bare, option_names(grammar));
}

std::string unknown_subcommand(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(subcommand->get_name());
  }
  const std::string near = base::did_you_mean(word, names);
  return "no command \"" + base::printable(word) + "\"" +
         (near.empty() ? ": the commands are " + base::join(names) : near);
}

/// The arguments not consumed by any option or subcommand.
std::vector<std::string> leftovers(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  if (const CLI::App* subcommand = chosen_subcommand(app)) {
    const auto more = subcommand->remaining();
    words.insert(words.end(), more.begin(), more.end());
  }
  return words;
}

/// Explains a parse error. An unknown argument is a likelier mistake than a consequence reported by CLI11
/// (such as a missing INPUT).
std::string explain_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* subcommand = chosen_subcommand(app);
  const auto words = leftovers(app);
  for (const std::string& word : words) {
    if (word.size() > 1 && word[0] == '-') return unknown_option(app, subcommand ? *subcommand : app, word);
  }
  if (!words.empty() && !subcommand) return unknown_subcommand(app, words.front());
  if (!words.empty()) return "unexpected \"" + base::printable(words.front()) + "\"";
  if (!subcommand) return "a command is required, for example: ablaze explain photo.jpg";
  return error.what();
}

int report_usage(const std::string& message, const CLI::App& app) {
  const CLI::App* subcommand = chosen_subcommand(app);
  print_error(message);
  std::cerr << "Try 'ablaze " << (subcommand ? subcommand->get_name() + " " : "") << "--help'.\n";
  return wrong_usage;
}

int run_chosen(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    if (command.grammar->parsed()) return command.run();
  }
  return wrong_usage;
}

int parse_and_run(CLI::App& app, const std::vector<Command>& commands, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    return run_chosen(commands);
  } catch (const CLI::Success& request) {  // --help, --version
    return app.exit(request, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return report_usage(explain_parse_error(app, error), app);
  } catch (const UsageError& error) {
    return report_usage(error.what(), app);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  return something_failed;
}

int build_and_run(int argc, const char* const* argv) {
  CLI::App app("ablaze runs convolutional networks and draws class activation maps.", "ablaze");
  describe_program(app);
  Common common;
  const std::vector<Command> commands{
      explain_command(app, common),  classify_command(app, common), activations_command(app, common),
      convert_command(app, common),  inspect_command(app, common),  methods_command(app, common),
      evaluate_command(app, common), merge_command(app, common),    bench_command(app, common),
  };
  add_common_options(app, common);
  for (const Command& command : commands) add_common_options(*command.grammar, common);
  return parse_and_run(app, commands, argc, argv);
}

/// Reports that memory has run out, without allocating.
void print_out_of_memory() {
  constexpr std::string_view message =
      "ablaze: error: not enough memory; use a smaller image or model, fewer inputs at once, or fewer "
      "threads\n";
  if (::write(STDERR_FILENO, message.data(), message.size()) < 0) return;  // nothing more can be done
}

}  // namespace

std::uint64_t parse_size(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit = base::lower(std::string_view(end, text.data() + text.size()));
  const std::string letters = "kmgt";
  // "G", "GB" and "GiB" are equivalent here.
  const bool known = unit.empty() || unit == "b" ||
                     (letters.find(unit[0]) != std::string::npos &&
                      (unit.size() == 1 || unit.substr(1) == "b" || unit.substr(1) == "ib"));
  const std::size_t shift = unit.empty() || unit == "b" ? 0 : 10 * (letters.find(unit[0]) + 1);
  if (error != std::errc{} || !known || number == 0 ||
      number > (std::numeric_limits<std::uint64_t>::max() >> shift)) {
    throw UsageError(
        "\"" + base::printable(text) +
        "\" is not a size: give a number of bytes, or a number with K, M or G, for example 512M");
  }
  return number << shift;
}

void add_model_options(CLI::App& grammar, ModelChoice& model) {
  grammar.add_option("-m,--model", model.file, "Model file (default: the ResNet that ships with ablaze)")
      ->type_name("FILE");
  add_under_option(grammar, model.under);
}

CLI::Option* add_under_option(CLI::App& grammar, std::string& under) {
  return grammar
      .add_option("--under", under, "Key of the network in a model file that holds several, for example ema")
      ->type_name("KEY");
}

void add_footer(CLI::App& grammar, std::string_view examples) {
  grammar.footer("Examples:\n" + std::string(examples) + "\n" + kExitStatuses);
}

int run_command_line(int argc, const char* const* argv) {
  try {
    return build_and_run(argc, argv);
  } catch (const std::bad_alloc&) {
    print_out_of_memory();
  }
  return something_failed;
}

}  // namespace ablaze::cli
