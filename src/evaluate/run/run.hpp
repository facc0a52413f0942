#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/evaluate.hpp>

#include "base/json.hpp"
#include "evaluate/dataset/dataset.hpp"
#include "evaluate/run/results.hpp"

namespace ablaze::evaluate {

/// The part of a data set that one process works on: every photo whose place leaves `index` when divided by
/// `count`.
struct Shard {
  std::size_t index = 0, count = 1;

  bool has(std::size_t photo) const { return photo % count == index; }
  /// How many of so many photos.
  std::size_t share_of(std::size_t photos) const;
};
Shard parse_shard(const std::string& text);  ///< "0/8". Throws UsageError
std::string to_string(const Shard& shard);

inline constexpr const char* results_name = "results.jsonl";
inline constexpr const char* manifest_name = "run.json";

/// What a run is: all that its results depend on. Two folders of results go together where their manifests
/// differ in the shard alone; a run goes on only under its own. It holds no time and no folder's name.
struct Manifest {
  base::Json what;  ///< model, methods, metrics, options, photos
  Shard shard;

  std::size_t photos() const;  ///< of the whole data set
  std::vector<std::string> methods() const, metrics() const;
};
Manifest make_manifest(const Model& model, const ExplainOptions& explain, const EvaluateOptions& options,
                       const Dataset& dataset, const Shard& shard);
Manifest read_manifest(const std::filesystem::path& folder);  ///< Throws Error
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);
/// What the two differ in, in words a person understands; empty where only the shard may differ.
std::string difference(const Manifest& wanted, const Manifest& found);

/// A folder of results that one process works on. A photo's lines are appended in one piece as soon as it is
/// measured, so whatever ends the process, only the photo at work is lost.
class RunFolder {
 public:
  /// Makes the folder, or opens it where this very run was begun: what is torn at the end of its results is
  /// cut off. Throws Error where it holds another run, or where another process is at work in it.
  RunFolder(std::filesystem::path folder, Manifest manifest);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Photos of the shard that are still to be measured, in order; those that failed are tried again.
  std::vector<std::size_t> open_photos() const;
  std::size_t dropped_bytes() const { return dropped_; }  ///< of a photo that was torn
  void append(std::string_view lines);                    ///< of one photo
  /// Puts the results in the photos' order: the file's last form, the same however often the run was cut off.
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

/// Puts the whole photos of several results files into one, in the data set's order, each once.
void write_in_photo_order(const std::vector<std::filesystem::path>& sources,
                          const std::filesystem::path& out);

}  // namespace ablaze::evaluate
