#include <unistd.h>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "image/pictures.hpp"
#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;

TEST_CASE("a written PNG reads back as it was") {
  const TemporaryDirectory folder;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {300, 1}, {37, 29}, {256, 256}}) {
    const Image image = pattern(width, height);
    image.save_png(folder / "picture.png");
    const Image back = Image::load(folder / "picture.png");
    CHECK(back.width() == width);
    CHECK(difference(back, image.pixels()).largest == 0);
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("a picture that cannot be written is an error that names the file, and nothing is left") {
  const TemporaryDirectory folder;
  const Image image = pattern(4, 4);
  CHECK(message_of([&] { image.save_png(folder / "no/such/folder.png"); }).find("folder.png") !=
        std::string::npos);
  CHECK_THROWS_AS(Image().save_png(folder / "empty.png"), Error);
  if (::geteuid() != 0) {  // root may write anywhere
    std::filesystem::permissions(folder.path(),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    CHECK(message_of([&] { image.save_png(folder / "locked.png"); }).find("locked.png") != std::string::npos);
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  }
  CHECK(folder.entries() == 0);
}
