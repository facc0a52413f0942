#pragma once

#include <filesystem>
#include <span>

namespace ablaze::evaluate {

/// Puts the finished shards of one run together, in whatever order they are named: `out` becomes the folder
/// that one process would have written. Throws Error where they are of different runs, where one is named
/// twice or missing (naming it), and where one is not finished.
void merge_shards(std::span<const std::filesystem::path> folders, const std::filesystem::path& out);

}  // namespace ablaze::evaluate
