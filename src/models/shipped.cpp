#include <cstdlib>
#include <system_error>

#include <ablaze/error.hpp>
#include <ablaze/model.hpp>

#include "base/folders.hpp"

namespace ablaze {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShipped = "resnet18_thin-imagenette.safetensors";

/// What $ABLAZE_WEIGHTS names: a model file, or a folder with the shipped one in it.
fs::path named_by_user(const char* value) {
  const fs::path path = base::is_folder(value) ? fs::path(value) / kShipped : fs::path(value);
  if (base::is_regular_file(path)) return path;
  throw Error("ABLAZE_WEIGHTS is \"" + std::string(value) + "\", but there is no model file " +
              path.string() + "; let it name a model file or a folder that holds " + kShipped);
}

/// PREFIX/share/ablaze/weights, where this program is PREFIX/bin/ablaze.
fs::path beside_program() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  return base::failed(failure) ? fs::path()
                               : program.parent_path().parent_path() / "share" / "ablaze" / "weights";
}

}  // namespace

fs::path shipped_model() {
  // An empty value counts as none, as shells have no shorter way to switch a variable off for one command.
  if (const char* value = std::getenv("ABLAZE_WEIGHTS"); value != nullptr && *value != '\0') {
    return named_by_user(value);
  }
  std::string tried;
  for (const fs::path& folder :
       {beside_program(), fs::path(ABLAZE_INSTALLED_WEIGHTS), fs::path(ABLAZE_SOURCE_WEIGHTS)}) {
    if (folder.empty()) continue;
    if (base::is_regular_file(folder / kShipped)) return folder / kShipped;
    tried += (tried.empty() ? "" : ", ") + folder.string();
  }
  throw Error(std::string("the shipped model ") + kShipped + " was not found in " + tried +
              "; name a model file (--model), or set ABLAZE_WEIGHTS to the folder that holds it");
}

}  // namespace ablaze
