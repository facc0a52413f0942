#include "cli/explain/output_names.hpp"

#include <map>
#include <set>

#include "base/text.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> slugs_of(const Model& model) {
  std::vector<std::string> slugs;
  for (std::int64_t i = 0; i < model.class_count(); ++i) {
    std::string slug = base::slug(model.label(i));
    slugs.push_back(slug.empty() ? "class" : slug);
  }
  return slugs;
}

}  // namespace

ClassFileNames::ClassFileNames(const Model& model) : names_(slugs_of(model)) {
  std::map<std::string, int> count;
  for (const std::string& name : names_) ++count[name];
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (count[names_[i]] == 1 && names_[i] != "class") continue;
    // An additional dash where another class's own slug is "crane-134".
    std::string name = names_[i] + "-" + std::to_string(i);
    while (count.contains(name)) name.insert(name.rfind('-'), "-");
    names_[i] = name;
  }
}

std::vector<fs::path> output_prefixes(std::span<const Input> inputs, const fs::path& out) {
  std::vector<fs::path> prefixes;
  std::set<fs::path> taken;
  std::map<fs::path, int> last_number;  // per stem, so that many equal ones need no search
  for (const Input& input : inputs) {
    const fs::path stem = (out / input.folder / input.file.stem()).lexically_normal();
    fs::path prefix = stem;
    int& number = last_number.try_emplace(stem, 1).first->second;
    while (!taken.insert(prefix).second) {
      prefix = stem;
      prefix += "-" + std::to_string(++number);
    }
    prefixes.push_back(prefix);
  }
  return prefixes;
}

}  // namespace ablaze::cli
