#include "evaluate/run/merge.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/run/results.hpp"
#include "evaluate/run/run.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostShardsNamed = 8;

std::string shown(const fs::path& path) { return base::printable(path.string(), 400); }

void require_same_run(const Manifest& first, const Manifest& other, const fs::path& first_folder,
                      const fs::path& folder) {
  const std::string what = difference(first, other);
  if (what.empty()) return;
  throw Error(shown(folder) + " and " + shown(first_folder) + " are of different runs (" + what + ", in " +
              shown(first_folder) + " and " + shown(folder) + "); merge the shards of one run");
}

/// The shards' indices, each used by one folder.
class Places {
 public:
  explicit Places(const Manifest& first) : count_(first.shard.count), taken_(count_) {}

  void take(const Shard& shard, const fs::path& folder) {
    if (shard.count != count_) {
      throw Error(shown(folder) + " is shard " + to_string(shard) + ", but the others are of " +
                  std::to_string(count_) + ", so they overlap; merge the shards of one division");
    }
    fs::path& place = taken_[shard.index];
    if (!place.empty()) {
      throw Error(shown(place) + " and " + shown(folder) + " are both shard " + to_string(shard) +
                  "; give each shard once");
    }
    place = folder;
  }

  void require_all() const {
    std::vector<std::string> missing;
    std::size_t count = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!taken_[i].empty()) continue;
      if (++count <= kMostShardsNamed) missing.push_back(to_string(Shard{i, count_}));
    }
    if (count == 0) return;
    if (count > kMostShardsNamed) missing.push_back(std::to_string(count - kMostShardsNamed) + " more");
    throw Error((count == 1 ? "shard " : "shards ") + base::join(missing) + (count == 1 ? " is" : " are") +
                " missing; give the folders of all " + std::to_string(count_) + " shards");
  }

 private:
  std::size_t count_;
  std::vector<fs::path> taken_;
};

void require_finished(const Manifest& manifest, const fs::path& folder) {
  const auto file = base::MappedFile::open(folder / kResultsName);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  const auto blocks = in_photo_order(scan_results(text).blocks);
  for (const ResultBlock& block : blocks) {
    if (block.photo < manifest.photos() && manifest.shard.has(block.photo)) continue;
    throw Error(shown(folder / kResultsName) + ": photo " + std::to_string(block.photo) +
                " is not of shard " + to_string(manifest.shard) + "; measure this shard again");
  }
  const std::size_t expected = manifest.shard.share_of(manifest.photos());
  if (blocks.size() == expected) return;
  throw Error(shown(folder) + " has " + std::to_string(blocks.size()) + " of the " +
              std::to_string(expected) + " photos of shard " + to_string(manifest.shard) +
              "; run its command again: it resumes");
}

/// The folder may contain only the same run's merged results.
void claim(const fs::path& out, const Manifest& merged) {
  base::make_folders(out);
  if (!base::exists(out / kManifestName) && !base::exists(out / kResultsName)) return;
  const Manifest found = read_manifest(out);
  if (difference(merged, found).empty() && found.shard.count == 1) return;
  throw Error(shown(out) + ": it holds other results; give another --out, or remove this folder");
}

}  // namespace

void merge_shards(std::span<const fs::path> folders, const fs::path& out) {
  const Manifest first = read_manifest(folders.front());
  Places places(first);
  for (const fs::path& folder : folders) {
    const Manifest manifest = read_manifest(folder);
    require_same_run(first, manifest, folders.front(), folder);
    places.take(manifest.shard, folder);
  }
  places.require_all();
  std::vector<fs::path> sources;
  for (const fs::path& folder : folders) {
    require_finished(read_manifest(folder), folder);
    sources.push_back(folder / kResultsName);
  }
  const Manifest merged{first.what, {}};
  claim(out, merged);
  // Writes the manifest last, so that a folder with a manifest has complete results.
  write_in_photo_order(sources, out / kResultsName);
  write_manifest(out, merged);
}

}  // namespace ablaze::evaluate
