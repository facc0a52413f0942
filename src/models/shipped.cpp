#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <ablaze/error.hpp>
#include <ablaze/model.hpp>

#include "base/folders.hpp"

namespace ablaze {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShipped = "resnet18_thin-imagenette.safetensors";

/// The path in $ABLAZE_WEIGHTS: a model file, or a folder that contains the shipped one.
fs::path from_environment(const char* value) {
  const fs::path path = base::is_folder(value) ? fs::path(value) / kShipped : fs::path(value);
  if (base::is_regular_file(path)) return path;
  throw Error("ABLAZE_WEIGHTS is \"" + std::string(value) + "\", but there is no model file " +
              path.string() + "; set it to a model file, or to a folder with " + kShipped);
}

/// PREFIX/share/ablaze/weights, for this program at PREFIX/bin/ablaze.
fs::path relative_to_program() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  return base::failed(failure) ? fs::path()
                               : program.parent_path().parent_path() / "share" / "ablaze" / "weights";
}

}  // namespace

std::string shipped_model() {
  // An empty value counts as unset: it is the shortest way in a shell to disable a variable for one command.
  if (const char* value = std::getenv("ABLAZE_WEIGHTS"); value != nullptr && *value != '\0') {
    return from_environment(value).string();
  }
  std::string tried;
  for (const fs::path& folder :
       {relative_to_program(), fs::path(ABLAZE_INSTALLED_WEIGHTS), fs::path(ABLAZE_SOURCE_WEIGHTS)}) {
    if (folder.empty()) continue;
    if (base::is_regular_file(folder / kShipped)) return (folder / kShipped).string();
    tried += (tried.empty() ? "" : ", ") + folder.string();
  }
  throw Error(std::string("the shipped model ") + kShipped + " was not found in " + tried +
              "; give a model file (--model), or set ABLAZE_WEIGHTS to the model's folder");
}

}  // namespace ablaze
