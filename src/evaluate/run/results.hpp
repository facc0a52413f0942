#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/evaluate.hpp>

namespace ablaze::evaluate {

/// All results of one photo of a data set.
struct PhotoResult {
  std::size_t photo = 0;  ///< its index in the data set
  std::string path;       ///< DatasetPhoto::path
  std::int64_t target = -1;
  std::string label;  ///< of the target
  std::vector<Measurement> measurements;
  std::string error;  ///< why there are no results; else empty
};

/// The photo's lines of results.jsonl, one JSON object per measurement, or one line with its error. Each line
/// has the number of the photo's lines after it (`more`), which shows whether a photo is complete.
std::string to_lines(const PhotoResult& result);

/// Parses the output of to_lines. Throws Error.
PhotoResult parse_lines(std::string_view lines);

/// The position of a complete photo in results.jsonl.
struct ResultBlock {
  std::size_t photo = 0;
  std::size_t begin = 0, size = 0;  ///< bytes
  bool failed = false;
};

/// The usable part of a results.jsonl: its complete photos up to the first truncated or damaged line.
struct ScannedResults {
  std::vector<ResultBlock> blocks;  ///< in file order; a photo that was retried occurs twice
  std::size_t bytes = 0;            ///< length of the usable part
};
ScannedResults scan_results(std::string_view text);

/// One block per photo, in data set order; of several the last, which is the newest.
std::vector<ResultBlock> in_photo_order(std::vector<ResultBlock> blocks);

}  // namespace ablaze::evaluate
