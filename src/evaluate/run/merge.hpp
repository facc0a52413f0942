#pragma once

#include <filesystem>
#include <span>

namespace ablaze::evaluate {

/// Merges the finished shards of one run, in any order: `out` becomes the folder that one process would have
/// written. Throws Error if they belong to different runs, if one occurs twice or is missing (with its name),
/// or if one is not finished.
void merge_shards(std::span<const std::filesystem::path> folders, const std::filesystem::path& out);

}  // namespace ablaze::evaluate
