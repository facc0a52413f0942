#include "base/folders.hpp"

#include <new>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze::base {
namespace {

namespace fs = std::filesystem;

fs::file_status status_of(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  failed(code);  // any other failure is in the status
  return status;
}

}  // namespace

bool failed(const std::error_code& code) {
  if (code == std::errc::not_enough_memory) throw std::bad_alloc();
  return static_cast<bool>(code);
}

bool exists(const fs::path& path) { return fs::exists(status_of(path)); }
bool is_folder(const fs::path& path) { return fs::is_directory(status_of(path)); }
bool is_regular_file(const fs::path& path) { return fs::is_regular_file(status_of(path)); }

void make_folders(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (failed(code))
    throw Error(printable(folder.string(), 4096) + ": cannot make this folder: " + code.message());
}

}  // namespace ablaze::base
