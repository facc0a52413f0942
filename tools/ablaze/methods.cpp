#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <ablaze/explain.hpp>

#include "ablaze/command.hpp"
#include "ablaze/command_line.hpp"
#include "ablaze/output.hpp"

namespace ablaze::cli {

namespace {

constexpr const char* examples =
    "  ablaze methods\n"
    "  ablaze explain photo.jpg --method ablation\n";

std::string needs(const MethodInfo& method) {
  return method.needs_gradients ? "the gradient" : "forward passes alone, no gradient";
}

int run(bool json) {
  const Style style = style_of(1);
  for (const MethodInfo& method : methods()) {
    if (json) {
      print_json({{"id", method.id},
                  {"name", method.name},
                  {"summary", method.summary},
                  {"paper", method.paper},
                  {"needs_gradients", method.needs_gradients}});
    } else {
      print(bold(style, method.id) + "  " + method.name + "\n  " + method.summary +
            "\n  Needs: " + needs(method) + "\n  Paper: " + method.paper + "\n");
    }
  }
  return all_done;
}

}  // namespace

Command methods_command(CLI::App& app, const Common& /*common*/) {
  CLI::App* grammar =
      app.add_subcommand("methods", "List the methods that explain, and the papers they come from");
  const auto json = std::make_shared<bool>(false);
  grammar->add_flag("--json", *json, "Print one JSON object a line, for each method");
  add_footer(*grammar, examples);
  return {grammar, [json] { return run(*json); }};
}

}  // namespace ablaze::cli
