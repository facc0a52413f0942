#pragma once

#include <filesystem>
#include <system_error>
#include <vector>

namespace ablaze::base {

/// Whether an operation of std::filesystem failed. Throws std::bad_alloc where it failed for want of memory:
/// that is no answer about the file.
bool failed(const std::error_code& code);

/// What lies at a path, links followed; false also where nobody may look. Throws std::bad_alloc.
bool exists(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
bool is_regular_file(const std::filesystem::path& path);

/// What lies in a folder, in no order: the whole paths. Nothing where the folder may not be read. Throws
/// Error with the system's reason, and std::bad_alloc. (std::filesystem's iterators end the program where
/// memory ends.)
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

/// Makes a folder and those above it, where they are missing. Throws Error with the system's reason, and
/// std::bad_alloc.
void make_folders(const std::filesystem::path& folder);

}  // namespace ablaze::base
