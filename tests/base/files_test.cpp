#include "base/files.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze::base;
using ablaze::testing::message_of;
using ablaze::testing::says;
using ablaze::testing::TemporaryDirectory;

namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The size of mapped files' pages in this process's memory.
std::size_t resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "RssFile:" && status >> kilobytes) return kilobytes << 10;
  }
  FAIL("/proc/self/status has no RssFile");
  return 0;
}

}  // namespace

TEST_CASE("a mapped file shows its bytes") {
  const TemporaryDirectory folder;
  write_file(folder / "a", "hello");
  const auto mapped = MappedFile::open(folder / "a");
  CHECK(std::string(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size()) ==
        "hello");
  mapped->release_pages();
  CHECK(mapped->bytes()[4] == std::byte{'o'});
  write_file(folder / "empty", "");
  CHECK(MappedFile::open(folder / "empty")->bytes().empty());
}

TEST_CASE("a mapped file is known by its pointer alone") {
  const TemporaryDirectory folder;
  write_file(folder / "a", "hello");
  const std::shared_ptr<const void> mapped = MappedFile::open(folder / "a");
  REQUIRE(MappedFile::behind(mapped) != nullptr);
  CHECK(MappedFile::behind(mapped)->bytes().size() == 5);
  CHECK(MappedFile::behind(std::make_shared<int>(1)) == nullptr);
  CHECK(MappedFile::behind(nullptr) == nullptr);
}

TEST_CASE("a mapped file's pages go when they are released") {
  const TemporaryDirectory folder;
  constexpr std::size_t size = std::size_t{16} << 20;
  write_file(folder / "a", std::string(size, 'x'));
  const auto mapped = MappedFile::open(folder / "a");
  const auto bytes = mapped->bytes();
  CHECK(std::ranges::count(bytes, std::byte{'x'}) == size);
  const std::size_t read = resident_file_bytes();
  mapped->release_pages();
  CHECK(resident_file_bytes() + size / 2 < read);
  CHECK(bytes.back() == std::byte{'x'});
}

TEST_CASE("what is no regular file is refused, and a pipe keeps nobody waiting") {
  const TemporaryDirectory folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(says(message_of([&] { MappedFile::open(folder / "missing"); }), "missing"));
  CHECK(says(message_of([&] { MappedFile::open(folder.path()); }), "is a folder"));
  CHECK(says(message_of([&] { MappedFile::open(folder / "pipe"); }), "regular file"));
  CHECK(says(message_of([&] { read_file("/dev/zero", 100); }), "regular file"));
}

TEST_CASE("read_file stops at its limit") {
  const TemporaryDirectory folder;
  write_file(folder / "a", "hello");
  CHECK(read_file(folder / "a", 5).size() == 5);
  CHECK(says(message_of([&] { read_file(folder / "a", 4); }), "at most 4"));
}

TEST_CASE("an atomic file appears when it is committed, and replaces what was there") {
  const TemporaryDirectory folder;
  write_file(folder / "a", "old");
  {
    AtomicFile out(folder / "a");
    out.write("new");
    CHECK(content(folder / "a") == "old");
    out.commit();
    CHECK(content(folder / "a") == "new");
    CHECK_THROWS_AS(out.write("more"), ablaze::Error);
  }
  CHECK(content(folder / "a") == "new");
  CHECK(folder.entries() == 1);
}

TEST_CASE("an atomic file that is not committed leaves nothing behind") {
  const TemporaryDirectory folder;
  {
    AtomicFile out(folder / "a");
    out.write("half");
  }
  CHECK(folder.entries() == 0);
}

TEST_CASE("an interrupted program leaves nothing behind") {
  const TemporaryDirectory folder;
  AtomicFile first(folder / "a"), second(folder / "b");
  first.write("half");
  CHECK(folder.entries() == 2);
  remove_unfinished_files();
  CHECK(folder.entries() == 0);
}

TEST_CASE("a written file has the permissions that the umask leaves") {
  const TemporaryDirectory folder;
  const mode_t before = ::umask(027);
  write_file(folder / "a", "x");
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat((folder / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("writing through a link replaces what it points to") {
  const TemporaryDirectory folder;
  write_file(folder / "a", "old");
  std::filesystem::create_symlink("a", folder / "link");
  write_file(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(content(folder / "a") == "new");
}

TEST_CASE("folders and devices are not written over") {
  const TemporaryDirectory folder;
  CHECK(says(message_of([&] { write_file(folder.path(), "x"); }), "is a folder"));
  CHECK(says(message_of([&] { write_file("/dev/null", "x"); }), "device"));
  CHECK(says(message_of([&] { write_file(folder / "missing" / "a", "x"); }), "No such file or directory"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("no permission is an error with the reason" * doctest::skip(::geteuid() == 0)) {
  const TemporaryDirectory folder;
  write_file(folder / "a", "old");
  ::chmod((folder / "a").c_str(), 0400);
  CHECK(says(message_of([&] { write_file(folder / "a", "new"); }), "Permission denied"));
  CHECK(content(folder / "a") == "old");
  ::chmod(folder.path().c_str(), 0500);
  CHECK(says(message_of([&] { write_file(folder / "b", "new"); }), "Permission denied"));
  ::chmod(folder.path().c_str(), 0700);
}

// A limit on file sizes makes a write fail like a full disk.
TEST_CASE("a write that fails leaves the old file and nothing else") {
  const TemporaryDirectory folder;
  write_file(folder / "a", "old");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 1000;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string error = message_of([&] { write_file(folder / "a", std::string(5000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(says(error, "cannot write"));
  CHECK(says(error, "File too large"));
  CHECK(content(folder / "a") == "old");
  CHECK(folder.entries() == 1);
}
