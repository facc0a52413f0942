#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <doctest/doctest.h>

namespace ablaze::testing {

/// A file or folder of the test data outside the project (because of its licence or size): in
/// $ABLAZE_TEST_DATA, else in ../shared next to the sources. If it is missing, prints that, and the test
/// returns:
///
///     const auto photos = shared_data("photos/imagenette");
///     if (!photos) return;
inline std::optional<std::filesystem::path> shared_data(const std::filesystem::path& relative) {
  const char* const folder = std::getenv("ABLAZE_TEST_DATA");
  const std::filesystem::path root =
      folder != nullptr ? folder : std::filesystem::path(ABLAZE_SOURCE_DIR) / ".." / "shared";
  std::error_code ignored;
  if (std::filesystem::exists(root / relative, ignored)) return root / relative;
  MESSAGE("skipped: no " << relative.string() << " in " << root.string() << " (set ABLAZE_TEST_DATA)");
  return std::nullopt;
}

/// A project file in tests/data.
inline std::filesystem::path test_data(const std::filesystem::path& relative) {
  return std::filesystem::path(ABLAZE_SOURCE_DIR) / "tests" / "data" / relative;
}

}  // namespace ablaze::testing
