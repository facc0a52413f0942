#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/evaluate.hpp>

namespace ablaze::evaluate {

/// All that was found out about one photo of a data set.
struct PhotoResult {
  std::size_t photo = 0;  ///< its place in the data set
  std::string path;       ///< DatasetPhoto::path
  std::int64_t target = -1;
  std::string label;  ///< the target's
  std::vector<Measurement> measurements;
  std::string error;  ///< why there are none; else empty
};

/// The photo's lines of results.jsonl, one JSON object a measurement; one line with its error where it
/// failed. Each line tells how many of the photo's lines come behind it (`more`): that is how a photo is
/// known to be whole.
std::string to_lines(const PhotoResult& result);

/// Reads what to_lines wrote. Throws Error.
PhotoResult parse_lines(std::string_view lines);

/// Where a whole photo stands in results.jsonl.
struct ResultBlock {
  std::size_t photo = 0;
  std::size_t begin = 0, size = 0;  ///< bytes
  bool failed = false;
};

/// What of a results.jsonl can be used: its whole photos up to the first line that is torn or damaged.
struct ScannedResults {
  std::vector<ResultBlock> blocks;  ///< in the file's order; a photo that was tried again stands there twice
  std::size_t bytes = 0;            ///< up to here
};
ScannedResults scan_results(std::string_view text);

/// One block a photo, in the data set's order; of several the last, which is the newest.
std::vector<ResultBlock> in_photo_order(std::vector<ResultBlock> blocks);

}  // namespace ablaze::evaluate
