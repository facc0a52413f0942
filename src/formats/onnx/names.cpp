#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "formats/onnx/import.hpp"

namespace ablaze::formats {
namespace {

/// Replaces characters not allowed in a layer's name with underscores. Bounds the length of a path: every
/// module on it becomes a name of its own.
std::string plain(std::string_view text) {
  constexpr std::size_t longest = 200, deepest = 16;
  std::string result(text.substr(0, longest));
  std::ranges::replace_if(
      result,
      [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_' && c != '-';
      },
      '_');
  std::size_t dots = 0;
  std::ranges::replace_if(
      result, [&](char c) { return c == '.' && ++dots > deepest; }, '_');
  return result;
}

/// A module's path, built from the scopes of a name: a scope repeats its parent's name
/// ("downsample/downsample.0") or is a name of its own ("downsample/conv").
struct Path {
  std::string parent, scope;
  void enter(std::string_view next) {
    if (!scope.empty() && !next.starts_with(scope + ".") && next != scope) parent += scope + ".";
    scope = next;
  }
  std::string text() const { return parent + scope; }
};

/// Modules that compute one operator; the module's name is then the layer's.
bool is_single_operator(std::string_view op) {
  return op == "Conv" || op == "BatchNormalization" || op == "Relu" || op == "MaxPool" ||
         op == "AveragePool" || op == "GlobalAveragePool" || op == "Gemm" || op == "Clip" ||
         op == "LeakyRelu" || op == "MatMul" || op == "Dropout" || op == "Identity" || op == "LRN" ||
         op == "PRelu" || op == "Elu" || op == "Selu" || op == "Celu" || op == "Tanh" || op == "Softplus" ||
         op == "Mish" || op == "Gelu" || op == "Sigmoid" || op == "HardSigmoid" || op == "HardSwish" ||
         op == "GlobalMaxPool" || op == "Flatten" || op == "LayerNormalization";
}

}  // namespace

namespace {

/// The strings of a Python list of strings. Text that is no such list gives those up to the damage.
std::vector<std::string_view> strings_in(std::string_view list) {
  constexpr std::size_t most = 64;
  std::vector<std::string_view> strings;
  for (auto open = list.find_first_of("'\""); open != std::string_view::npos && strings.size() < most;
       open = list.find_first_of("'\"")) {
    const auto close = list.find(list[open], open + 1);
    if (close == std::string_view::npos) break;
    strings.push_back(list.substr(open + 1, close - open - 1));
    list.remove_prefix(close + 1);
  }
  return strings;
}

}  // namespace

std::string layer_name_of_scopes(std::string_view scopes, std::string_view op) {
  std::vector<std::string_view> modules = strings_in(scopes);
  if (modules.size() < 2) return {};
  modules.pop_back();  // the operator's own name
  std::string path = "/";
  for (const std::string_view module : modules) {
    if (!module.empty()) path += std::string(module) + "/";
  }
  return layer_name(path, op);
}

std::string layer_name(std::string_view onnx_name, std::string_view op) {
  if (!onnx_name.starts_with('/')) return {};
  Path scopes;
  std::string_view rest = onnx_name.substr(1);
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    if (slash > 0) scopes.enter(rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
  }
  const std::string path = scopes.text(), operation = base::lower(op);
  if (path.empty()) return plain(operation);
  // If the module holds other layers too, it is no such module: the importer renames it later.
  return plain(is_single_operator(op) ? path : path + "." + operation);
}

}  // namespace ablaze::formats
