#include "base/files.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <new>
#include <random>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <climits>

#include <ablaze/error.hpp>

#include "base/folders.hpp"
#include "base/text.hpp"

namespace ablaze::base {
namespace {

std::string quoted(const std::filesystem::path& file) { return "'" + printable(file.string(), 400) + "'"; }

/// The system's reason and a remedy.
std::string reason(int code) {
  const std::string text = std::generic_category().message(code);
  switch (code) {
    case ENOENT:
      return text + "; check the path";
    case EACCES:
    case EPERM:
      return text + "; change the permissions or choose another location";
    case EROFS:
      return text + "; choose another location";
    case ENOSPC:
    case EDQUOT:
      return text + "; free some space or choose another location";
    case EMFILE:
    case ENFILE:
      return text + "; raise the limit of open files (ulimit -n)";
    case ENAMETOOLONG:
      return text + "; choose a shorter name";
    default:
      return text;
  }
}

/// Running out of memory is not the file's fault.
[[noreturn]] void fail(const char* doing, const std::filesystem::path& file, int code) {
  if (code == ENOMEM) throw std::bad_alloc();
  throw Error(std::string("cannot ") + doing + " " + quoted(file) + ": " + reason(code));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

/// Opens a regular file; returns its descriptor and size.
std::pair<int, std::uint64_t> open_regular(const std::filesystem::path& file) {
  // Without O_NONBLOCK, opening a named pipe waits for a writer.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("open", file, errno);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    const int code = errno;
    ::close(descriptor);
    fail("open", file, code);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    const std::string found = S_ISDIR(status.st_mode) ? "is a folder" : "is a device, pipe or socket";
    throw Error("cannot read " + quoted(file) + ": it " + found + "; expected a regular file");
  }
  return {descriptor, static_cast<std::uint64_t>(status.st_size)};
}

/// A file's size, for a file to be held in memory as a whole.
std::size_t addressable(std::uint64_t size) {
  if (size > std::numeric_limits<std::size_t>::max()) throw std::bad_alloc();
  return static_cast<std::size_t>(size);
}

/// A temporary for a signal handler to remove: plain memory, allocated and freed through `state`.
struct Unfinished {
  enum State : int { free, taken, armed };
  std::atomic<int> state{free};
  std::array<char, PATH_MAX> path{};
};
static_assert(std::atomic<int>::is_always_lock_free);
std::array<Unfinished, 16> unfinished;

/// A slot for a temporary; -1 where all are in use: a signal then leaves that temporary behind.
int acquire_slot(const std::string& path) {
  if (path.size() >= PATH_MAX) return -1;
  for (std::size_t i = 0; i < unfinished.size(); ++i) {
    int expected = Unfinished::free;
    if (!unfinished[i].state.compare_exchange_strong(expected, Unfinished::taken)) continue;
    std::memcpy(unfinished[i].path.data(), path.c_str(), path.size() + 1);
    unfinished[i].state.store(Unfinished::armed);
    return static_cast<int>(i);
  }
  return -1;
}

void release_slot(int slot) {
  if (slot >= 0) unfinished[slot].state.store(Unfinished::free);
}

/// The final target of a write to `file`: a link stays a link, and its target is replaced.
std::filesystem::path resolve_target(const std::filesystem::path& file) {
  std::error_code code;
  // Absolute, since the program may change its folder before a handler runs.
  std::filesystem::path target = std::filesystem::absolute(file, code);
  if (failed(code)) target = file;
  if (std::filesystem::is_symlink(target, code)) {
    const std::filesystem::path resolved = std::filesystem::weakly_canonical(target, code);
    if (!failed(code)) target = resolved;
  }
  // As root, renaming over /dev/null would succeed and remove the device.
  const std::filesystem::file_status status = std::filesystem::status(target, code);
  failed(code);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    const bool folder = std::filesystem::is_directory(status);
    throw Error("cannot write " + quoted(file) + ": it is a " +
                (folder ? "folder" : "device, pipe or socket") + "; give a file");
  }
  // Renaming checks the folder's permission only; a file made read-only by its owner must stay unchanged.
  if (std::filesystem::exists(status) && ::access(target.c_str(), W_OK) != 0) fail("write", file, errno);
  return target;
}

constexpr std::string_view kUnfinished = ".part";

std::string temporary_name(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{std::random_device{}()};
  std::array<char, 32> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ".%x-%x", static_cast<unsigned>(::getpid()), counter++);
  // The target's own name may have the maximum length.
  const std::string stem = target.filename().string().substr(0, 200);
  return (target.parent_path() / ("." + stem + suffix.data() + std::string(kUnfinished))).string();
}

}  // namespace

struct MappedFile::Closer {
  void operator()(const MappedFile* file) const { delete file; }
};

const MappedFile* MappedFile::behind(const std::shared_ptr<const void>& owner) {
  const bool mapped = std::get_deleter<Closer>(owner) != nullptr;
  return mapped ? static_cast<const MappedFile*>(owner.get()) : nullptr;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& file) {
  const auto [value, file_size] = open_regular(file);
  const Descriptor descriptor(value);
  const std::size_t size = addressable(file_size);
  std::shared_ptr<MappedFile> mapped(new MappedFile, Closer());
  if (size == 0) return mapped;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (data == MAP_FAILED) fail("map", file, errno);
  mapped->data_ = static_cast<const std::byte*>(data);
  mapped->size_ = size;
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release_pages(std::span<const std::byte> some) const noexcept {
  if (some.empty()) return;
  const auto page = static_cast<std::ptrdiff_t>(::sysconf(_SC_PAGESIZE));
  const std::ptrdiff_t begin = (some.data() - data_) / page * page;
  const std::ptrdiff_t end = some.data() + some.size() - data_;
  ::madvise(const_cast<std::byte*>(data_ + begin), static_cast<std::size_t>(end - begin), MADV_DONTNEED);
}

void release_pages(const std::shared_ptr<const void>& owner, std::span<const std::byte> bytes) noexcept {
  if (const MappedFile* file = MappedFile::behind(owner)) file->release_pages(bytes);
}

std::vector<std::byte> read_file(const std::filesystem::path& file, std::uint64_t most) {
  const auto [value, file_size] = open_regular(file);
  const Descriptor descriptor(value);
  if (file_size > most)
    throw Error("cannot read " + quoted(file) + ": it has " + std::to_string(file_size) +
                " bytes; expected at most " + std::to_string(most));
  const std::size_t size = addressable(file_size);
  std::vector<std::byte> bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(descriptor.get(), bytes.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", file, errno);
    if (got == 0) break;  // truncated while being read; the format's reader reports what is missing
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

AtomicFile::AtomicFile(std::filesystem::path file) : file_(std::move(file)) {
  target_ = resolve_target(file_);
  do {
    temporary_ = temporary_name(target_);
    // Registered before the file exists, so that no signal falls between.
    slot_ = acquire_slot(temporary_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      const int code = errno;
      release_slot(std::exchange(slot_, -1));
      errno = code;
    }
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) {
    temporary_.clear();  // it was never created
    fail("write");
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  release_slot(std::exchange(slot_, -1));
}

void AtomicFile::fail(const char* doing) {
  const int code = errno;
  discard();
  base::fail(doing, file_, code);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (descriptor_ < 0) throw Error("cannot write " + quoted(file_) + ": it is closed already");
  while (!bytes.empty()) {
    // Linux writes at most 2 GiB per call; smaller pieces let signals through.
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), 1U << 26));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes = bytes.subspan(written);
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  if (descriptor_ < 0) throw Error("cannot write " + quoted(file_) + ": it is closed already");
  // Some file systems cannot sync and report that; nothing more can be done then.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) fail("write");
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("write");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("write");
  temporary_.clear();
  release_slot(std::exchange(slot_, -1));
}

void remove_unfinished_files() noexcept {
  for (Unfinished& entry : unfinished)
    if (entry.state.load() == Unfinished::armed) ::unlink(entry.path.data());
}

void remove_abandoned_files(const std::filesystem::path& folder) {
  for (const std::filesystem::path& path : entries_of(folder)) {
    const std::string name = path.filename().string();
    if (name.starts_with('.') && name.ends_with(kUnfinished) && base::is_regular_file(path))
      ::unlink(path.c_str());
  }
}

void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  AtomicFile out(file);
  out.write(bytes);
  out.commit();
}

void write_file(const std::filesystem::path& file, std::string_view text) {
  write_file(file, std::as_bytes(std::span(text)));
}

}  // namespace ablaze::base
