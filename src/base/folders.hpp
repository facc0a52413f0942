#pragma once

#include <filesystem>
#include <system_error>
#include <vector>

namespace ablaze::base {

/// Whether an operation of std::filesystem failed. Throws std::bad_alloc where memory ran out: that says
/// nothing about the file.
bool failed(const std::error_code& code);

/// Whether a path exists, links followed; false also without permission to look. Throws std::bad_alloc.
bool exists(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);
bool is_regular_file(const std::filesystem::path& path);

/// The full paths of a folder's entries, in no order; empty where the folder may not be read. Throws Error
/// with the system's reason, and std::bad_alloc. (std::filesystem's iterators end the program where memory
/// runs out.)
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

/// Creates a folder and its missing parents. Throws Error with the system's reason, and std::bad_alloc.
void make_folders(const std::filesystem::path& folder);

}  // namespace ablaze::base
