#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/run/run.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

std::string_view text_of(const base::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::string shown_path(const fs::path& path) { return base::printable(path.string(), 400); }

[[noreturn]] void fail(const fs::path& path, const char* doing) {
  throw Error(shown_path(path) + ": cannot " + doing + ": " + std::generic_category().message(errno));
}

}  // namespace

RunFolder::RunFolder(fs::path folder, Manifest manifest)
    : folder_(std::move(folder)), manifest_(std::move(manifest)), done_(manifest_.photos(), 0) {
  base::make_folders(folder_);
  try {
    lock();
    base::remove_abandoned_files(folder_);
    claim();
    open_results();
  } catch (...) {
    if (results_ >= 0) ::close(results_);
    if (folder_descriptor_ >= 0) ::close(folder_descriptor_);
    throw;
  }
}

RunFolder::~RunFolder() {
  ::close(results_);
  ::close(folder_descriptor_);
}

/// Without a lock, two processes with the same folder would each measure every photo.
void RunFolder::lock() {
  folder_descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor_ < 0) fail(folder_, "open this folder");
  // File systems without locks have no such protection.
  if (::flock(folder_descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(shown_path(folder_) +
                ": another 'ablaze evaluate' is writing to this folder; wait for it, or give another --out");
  }
}

/// Checks that the folder's manifest is this run's, or writes one.
void RunFolder::claim() {
  if (!base::exists(folder_ / kManifestName)) {
    if (base::exists(folder_ / kResultsName)) {
      throw Error(shown_path(folder_ / kResultsName) +
                  ": found results without their manifest run.json; give another --out");
    }
    return write_manifest(folder_, manifest_);
  }
  const Manifest found = read_manifest(folder_);
  std::string other = difference(manifest_, found);
  if (other.empty() && to_string(found.shard) != to_string(manifest_.shard)) {
    other = "shard: now " + to_string(manifest_.shard) + ", there " + to_string(found.shard);
  }
  if (!other.empty()) {
    throw Error(shown_path(folder_) + ": it holds another run's results (" + other +
                "); run the same command as before, give another --out, or remove this folder");
  }
}

void RunFolder::open_results() {
  const fs::path file = folder_ / kResultsName;
  results_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (results_ < 0) fail(file, "write");
  const auto mapped = base::MappedFile::open(file);
  const ScannedResults found = scan_results(text_of(*mapped));
  for (const ResultBlock& block : in_photo_order(found.blocks)) {
    if (block.photo >= done_.size() || !manifest_.shard.has(block.photo)) {
      throw Error(shown_path(file) + ": it holds photo " + std::to_string(block.photo) +
                  ", which is not in this run; give another --out, or remove this folder");
    }
    done_[block.photo] = block.failed ? 0 : 1;
  }
  dropped_ = mapped->bytes().size() - found.bytes;
  if (dropped_ > 0 && ::ftruncate(results_, static_cast<off_t>(found.bytes)) != 0) fail(file, "shorten");
}

std::vector<std::size_t> RunFolder::open_photos() const {
  std::vector<std::size_t> photos;
  for (std::size_t i = manifest_.shard.index; i < done_.size(); i += manifest_.shard.count) {
    if (done_[i] == 0) photos.push_back(i);
  }
  return photos;
}

void RunFolder::append(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(results_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(folder_ / kResultsName, "write");
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

void RunFolder::finish() {
  const fs::path file = folder_ / kResultsName;
  if (::fsync(results_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(file, "write");
  write_in_photo_order({file}, file);
}

void write_in_photo_order(const std::vector<fs::path>& sources, const fs::path& out) {
  struct Piece {
    std::size_t photo;
    std::string_view lines;
  };
  std::vector<std::shared_ptr<const base::MappedFile>> files;
  std::vector<Piece> pieces;
  for (const fs::path& source : sources) {
    files.push_back(base::MappedFile::open(source));
    const std::string_view text = text_of(*files.back());
    for (const ResultBlock& block : in_photo_order(scan_results(text).blocks)) {
      pieces.push_back({block.photo, text.substr(block.begin, block.size)});
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.photo < b.photo; });
  base::AtomicFile sorted(out);
  for (const Piece& piece : pieces) sorted.write(piece.lines);
  sorted.commit();
}

}  // namespace ablaze::evaluate
