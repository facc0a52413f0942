// Invalid input of every kind: a clear error, the right exit status, no incomplete files.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "formats/builders.hpp"
#include "formats/npy.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

void check_refused(const Finished& done, const std::string& file, const std::string& part) {
  CAPTURE(done.err);
  CHECK(done.status == 1);
  CHECK(done.out.empty());
  CHECK(done.err.starts_with("ablaze: error: "));
  CHECK(says(done.err, file));
  CHECK(says(done.err, part));
  CHECK(done.err.size() < 2000);
}

/// Checks that every command that reads a model refuses the file and writes nothing.
void check_bad_model(const Workshop& w, const std::string& file, const std::string& part) {
  CAPTURE(file);
  check_refused(
      run_ablaze({"classify", w.photo(), "--model", w / file, "--save-logits", w / "new/logits.npy"}), file,
      part);
  check_refused(run_ablaze({"explain", w.photo(), "--model", w / file, "--out", w / "new"}), file, part);
  check_refused(run_ablaze({"inspect", w / file}), file, part);
  check_refused(run_ablaze({"convert", w / file, "--out", w / "new/model.safetensors"}), file, part);
  CHECK(w.files_in("new").empty());
}

void check_bad_input(const Workshop& w, const std::string& file, const std::string& part) {
  CAPTURE(file);
  check_refused(run_ablaze({"classify", w / file, "--model", w.model()}), file, part);
  check_refused(run_ablaze({"explain", w / file, "--model", w.model(), "--out", w / "new"}), file, part);
  CHECK(w.files_in("new").empty());
}

std::string tensor_header(const std::string& offsets_of_second) {
  return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":)" +
         offsets_of_second + "}}";
}

std::string big_endian(std::uint32_t n) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(n >> shift & 0xFFU);
  return bytes;
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ (crc & 1U ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  return big_endian(static_cast<std::uint32_t>(data.size())) + type + data + big_endian(crc32(type + data));
}

/// A valid PNG except for its missing pixels.
std::string png_that_claims(std::uint32_t side) {
  const std::string header = big_endian(side) + big_endian(side) + std::string("\x08\x02\x00\x00\x00", 5);
  return "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", header) + png_chunk("IDAT", "x") + png_chunk("IEND", "");
}

}  // namespace

TEST_CASE("hostile model: truncated at any place") {
  const Workshop w;
  const std::string whole = w.read(w.model());
  REQUIRE(whole.size() > 1000);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{500}, whole.size() - 1}) {
    w.write("truncated.safetensors", whole.substr(0, size));
    check_bad_model(w, "truncated.safetensors", "");
  }
}

TEST_CASE("hostile model: offsets outside the file") {
  const Workshop w;
  w.write("outside.safetensors", safetensors(tensor_header("[8,16000000]"), std::string(16, '\0')));
  check_bad_model(w, "outside.safetensors", "16000000");
}

TEST_CASE("hostile model: overlapping tensors") {
  const Workshop w;
  w.write("overlap.safetensors", safetensors(tensor_header("[4,12]"), std::string(12, '\0')));
  check_bad_model(w, "overlap.safetensors", "overlap");
}

TEST_CASE("hostile model: a header of 4 GB") {
  const Workshop w;
  w.write("header.safetensors", raw(std::uint64_t{4} << 30U) + "{}      ");
  check_bad_model(w, "header.safetensors", "header");
}

TEST_CASE("hostile model: a pickle that names os.system is refused and runs nothing") {
  const Workshop w;
  const std::string command = "touch " + w / "owned";
  const std::string call = pickled::global("os", "system") + "(" + pickled::text(command) + "tR";
  w.write("evil.pth", pytorch(pickled::whole(call)));
  check_bad_model(w, "evil.pth", "os.system");
  CHECK_FALSE(std::filesystem::exists(w / "owned"));
}

TEST_CASE("hostile model: tensors of the wrong shape, and files that are no model") {
  const Workshop w;
  w.write("shape.safetensors",
          safetensors(R"({"conv1.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                      std::string(8, '\0')));
  check_bad_model(w, "shape.safetensors", "");
  w.write("text.pth", "not a model at all");
  check_bad_model(w, "text.pth", "");
  check_bad_model(w, "photo.png", "");
  check_bad_model(w, "missing.safetensors", "");
  check_bad_model(w, "", "");  // the folder itself
}

TEST_CASE("hostile picture: text called .jpg, nothing at all, half a picture") {
  const Workshop w;
  w.write("text.jpg", "Dear diary, today I was a photo.");
  check_bad_input(w, "text.jpg", "");
  w.write("empty.png", "");
  check_bad_input(w, "empty.png", "");
  const std::string photo = w.read("photo.png");
  w.write("half.png", photo.substr(0, photo.size() / 2));
  check_bad_input(w, "half.png", "");
}

TEST_CASE("hostile picture: a PNG that claims 60,000 x 60,000") {
  const Workshop w;
  w.write("huge.png", png_that_claims(60000));
  check_bad_input(w, "huge.png", "60000");
}

TEST_CASE("hostile tensor: wrong shapes, wrong numbers, too large for the memory given") {
  const Workshop w;
  w.save_tensor("flat.npy", {64, 64});
  check_bad_input(w, "flat.npy", "64x64");
  w.save_tensor("four.npy", {1, 4, 64, 64});
  check_bad_input(w, "four.npy", "");
  w.save_tensor("two.npy", {2, 3, 64, 64});
  check_bad_input(w, "two.npy", "2x3x64x64");
  Tensor bad({3, 64, 64});
  bad[7] = std::numeric_limits<float>::quiet_NaN();
  formats::write_npy(w / "nan.npy", bad);
  check_bad_input(w, "nan.npy", "not finite");

  w.save_tensor("large.npy", {3, 512, 512});
  check_refused(run_ablaze({"classify", w / "large.npy", "--model", w.model(), "--memory", "100K"}),
                "large.npy", "");
}

TEST_CASE("an empty folder is an error, not a success over nothing") {
  const Workshop w;
  std::filesystem::create_directory(w / "empty");
  check_bad_input(w, "empty", "found none");
}

// The tests may run as root, who may write anywhere; but nobody can write below a file or into /proc.
TEST_CASE("where nothing may be written, nothing is, and the error names the place") {
  const Workshop w;
  w.write("file", "");
  const std::vector<std::string> places{w / "file/below", "/proc/ablaze"};
  for (const std::string& place : places) {
    CAPTURE(place);
    check_refused(run_ablaze({"explain", w.photo(), "--model", w.model(), "--out", place}), place, "");
    const Finished saved =
        run_ablaze({"classify", w.photo(), "--model", w.model(), "--save-logits", place + "/logits.npy"});
    CHECK(saved.status == 1);
    CHECK(says(saved.err, place));
    const Finished layer = run_ablaze(
        {"activations", w.photo(), "--model", w.model(), "--layer", "layer4", "--out", place + "/layer.npy"});
    CHECK(layer.status == 1);
    CHECK(says(layer.err, place));
    check_refused(run_ablaze({"convert", w.model(), "--out", place + "/model.safetensors"}), place, "");
  }
}

// A limit on file sizes makes a write fail halfway, like a full disk.
TEST_CASE("a disk that fills up leaves nothing half-written") {
  const Workshop w;
  const std::string full = "trap '' XFSZ; ulimit -f 4;";  // 4 blocks of 512 or 1024 bytes
  w.save_picture("large.png", 400, 300);
  check_refused(run_ablaze({"explain", w / "large.png", "--model", w.model(), "--out", w / "out"}, full),
                "large.png", "");
  CHECK(w.files_in("out").empty());

  w.write("kept/model.safetensors", "what was there before");
  check_refused(run_ablaze({"convert", w.model(), "--out", w / "kept/model.safetensors"}, full),
                "model.safetensors", "");
  CHECK(w.files_in("kept") == std::vector<std::string>{"model.safetensors"});
  CHECK(w.read("kept/model.safetensors") == "what was there before");
}

TEST_CASE("standard output that takes nothing is an error too") {
  const Workshop w;
  if (!std::filesystem::exists("/dev/full")) return;
  const int status = std::system(("'" ABLAZE_PROGRAM "' classify '" + w.photo() + "' --model '" + w.model() +
                                  "' --json >/dev/full 2>'" + w / "err'")
                                     .c_str());
  CHECK(status / 256 == 1);
  CHECK(says(w.read("err"), "standard output"));
}
