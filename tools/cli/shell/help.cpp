#include "cli/shell/help.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace ablaze::cli {

namespace {

constexpr std::size_t kNameColumn = 26;  // start of the descriptions
constexpr std::size_t kLineWidth = 100;

/// Wraps the text at spaces into lines of at most `width`.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const std::string& word : CLI::detail::split(text, ' ')) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

/// "  name      description", with the description's further lines indented.
std::string entry(const std::string& name, const std::string& description) {
  std::string out = "  " + name;
  const bool fits = out.size() + 2 <= kNameColumn;
  out += fits ? std::string(kNameColumn - out.size(), ' ') : "\n" + std::string(kNameColumn, ' ');
  const auto lines = wrapped(description, kLineWidth - kNameColumn);
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += (i == 0 ? "" : std::string(kNameColumn, ' ')) + lines[i] + "\n";
  return out;
}

std::string without_brackets(const std::string& text) {
  return text.starts_with('[') && text.ends_with(']') ? text.substr(1, text.size() - 2) : text;
}

/// Shows "--box{0.2}", a flag with an optional value, as "--box[=0.2]".
std::string with_optional_value(std::string name) {
  if (const auto open = name.find('{'); open != std::string::npos) {
    name.replace(name.find('}'), 1, "]");
    name.replace(open, 1, "[=");
  }
  return name;
}

class HelpFormat : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* grammar, std::string name, CLI::AppFormatMode mode) const override {
    return make_description(grammar) + make_usage(grammar, name) + make_positionals(grammar) +
           make_subcommands(grammar, mode) + option_groups(grammar) + "\n" + make_footer(grammar);
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string name = option->get_name(is_positional, !is_positional);
    std::replace(name.begin(), name.end(), ',', ' ');
    name = with_optional_value(name);
    if (!is_positional && option->get_items_expected_max() > 0) name += " " + value_name(option);
    std::string description = option->get_description();
    if (!option->get_default_str().empty()) {
      description += " (default: " + without_brackets(option->get_default_str()) + ")";
    }
    return entry(name, description);
  }

  std::string make_subcommand(const CLI::App* subcommand) const override {
    return entry(subcommand->get_name(), subcommand->get_description());
  }

 private:
  std::string option_groups(const CLI::App* grammar) const {
    auto groups = grammar->get_groups();
    std::stable_partition(groups.begin(), groups.end(),
                          [](const std::string& g) { return g != kCommonGroup; });
    std::string out;
    for (const std::string& group : groups) {
      const auto options = grammar->get_options(
          [&](const CLI::Option* o) { return o->get_group() == group && o->nonpositional(); });
      if (!group.empty() && !options.empty()) out += make_group(group, false, options);
    }
    return out;
  }

  /// Without the range appended by a check.
  static std::string value_name(const CLI::Option* option) {
    const std::string name = option->get_type_name();
    return name.substr(0, name.find(':'));
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_format() { return std::make_shared<HelpFormat>(); }

}  // namespace ablaze::cli
