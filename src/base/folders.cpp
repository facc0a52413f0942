#include "base/folders.hpp"

#include <cerrno>
#include <dirent.h>
#include <memory>
#include <new>
#include <string_view>

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

struct Closer {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

bool failed(const std::error_code& code) {
  if (code == std::errc::not_enough_memory) throw std::bad_alloc();
  return static_cast<bool>(code);
}

bool exists(const fs::path& path) { return fs::exists(status_of(path)); }
bool is_folder(const fs::path& path) { return fs::is_directory(status_of(path)); }
bool is_regular_file(const fs::path& path) { return fs::is_regular_file(status_of(path)); }

std::vector<fs::path> entries_of(const fs::path& folder) {
  const std::unique_ptr<DIR, Closer> open(::opendir(folder.c_str()));
  if (open == nullptr && errno == EACCES) return {};
  std::vector<fs::path> entries;
  errno = open == nullptr ? errno : 0;
  while (open != nullptr) {
    const dirent* const entry = ::readdir(open.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back(folder / name);
    errno = 0;
  }
  if (const std::error_code code(errno, std::generic_category()); failed(code))
    throw Error(printable(folder.string(), 4096) + ": cannot read the folder: " + code.message());
  return entries;
}

void make_folders(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (failed(code))
    throw Error(printable(folder.string(), 4096) + ": cannot make this folder: " + code.message());
}

}  // namespace ablaze::base
