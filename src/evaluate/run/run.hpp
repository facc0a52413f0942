#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/evaluate.hpp>

#include "base/json_fwd.hpp"
#include "evaluate/dataset/dataset.hpp"
#include "evaluate/run/results.hpp"

namespace ablaze::evaluate {

/// The part of a data set for one process: every photo with index mod `count` = `index`.
struct Shard {
  std::size_t index = 0, count = 1;

  bool has(std::size_t photo) const { return photo % count == index; }
  /// The number of its photos out of `photos`.
  std::size_t share_of(std::size_t photos) const;
};
Shard parse_shard(const std::string& text);  ///< "0/8". Throws UsageError
std::string to_string(const Shard& shard);

inline constexpr const char* kResultsName = "results.jsonl";
inline constexpr const char* kManifestName = "run.json";

/// The identity of a run: all that its results depend on. Folders of results can be merged if their manifests
/// differ only in the shard; a run resumes only with an equal manifest. It contains no time and no folder
/// name.
struct Manifest {
  std::shared_ptr<const base::Json> what;  ///< model, methods, metrics, options, photos
  Shard shard;

  std::size_t photos() const;  ///< in the whole data set
  std::vector<std::string> methods() const, metrics() const;
};
Manifest make_manifest(const Model& model, const ExplainOptions& explain, const EvaluateOptions& options,
                       const Dataset& dataset, const Shard& shard);
Manifest read_manifest(const std::filesystem::path& folder);  ///< Throws Error
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);
/// The first difference between the two, as text; empty if at most the shard differs.
std::string difference(const Manifest& wanted, const Manifest& found);

/// A process's folder of results. Appends all lines of a photo at once when it is measured, so that an
/// interrupted process loses only the current photo.
class RunFolder {
 public:
  /// Creates the folder, or opens it if it contains the same run, and truncates an incomplete photo at the
  /// end of its results. Throws Error if it contains another run, or if another process uses it.
  RunFolder(std::filesystem::path folder, Manifest manifest);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// The photos of the shard without results, in order; includes failed ones, which are retried.
  std::vector<std::size_t> open_photos() const;
  std::size_t dropped_bytes() const { return dropped_; }  ///< of an incomplete photo
  void append(std::string_view lines);                    ///< of one photo
  /// Sorts the results by photo. The final file is the same, however often the run was interrupted.
  void finish();

 private:
  void lock();
  void claim();
  void open_results();

  std::filesystem::path folder_;
  Manifest manifest_;
  std::vector<char> done_;  // by photo
  std::size_t dropped_ = 0;
  int folder_descriptor_ = -1, results_ = -1;
};

/// Merges the complete photos of several results files into one, in data set order, each once.
void write_in_photo_order(const std::vector<std::filesystem::path>& sources,
                          const std::filesystem::path& out);

}  // namespace ablaze::evaluate
