#include "cli/shell/command_line.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

/// Wrong usage: status 2, nothing on standard output, and `part` in the error.
void check_usage(const std::vector<std::string>& words, const std::string& part) {
  const Finished done = run_ablaze(words);
  CAPTURE(done.err);
  CHECK(done.status == 2);
  CHECK(done.out.empty());
  CHECK(done.err.starts_with("ablaze: error: "));
  CHECK(says(done.err, part));
}

}  // namespace

TEST_CASE("sizes are read with their units") {
  CHECK(cli::parse_size("1048576") == 1048576);
  CHECK(cli::parse_size("512M") == std::size_t{512} << 20);
  CHECK(cli::parse_size("4GiB") == std::size_t{4} << 30);
  CHECK(cli::parse_size("2kb") == 2048);
  for (const char* wrong : {"", "G", "-1", "0", "4X", "4GiBs", "99999999999999999999", "99999999999T"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(cli::parse_size(wrong), UsageError);
  }
}

TEST_CASE("every command has help with examples and exit statuses") {
  for (const std::string command : {"explain", "classify", "activations", "convert", "inspect", "methods",
                                    "evaluate", "merge", "bench"}) {
    const Finished done = run_ablaze({command, "--help"});
    CAPTURE(command);
    CHECK(done.status == 0);
    CHECK(says(done.out, "Examples:"));
    CHECK(says(done.out, "  ablaze " + command));
    CHECK(says(done.out, "Exit status: 0"));
    CHECK(says(done.out, "--threads"));
    CHECK(done.err.empty());
  }
  CHECK(says(run_ablaze({"--help"}).out, "inspect"));
}

TEST_CASE("the version is asked for before or after a command") {
  CHECK(run_ablaze({"--version"}).out.starts_with("ablaze "));
  CHECK(says(run_ablaze({"--version"}).out, "\nJPEG by " + jpeg_decoder() + "\n"));
  CHECK(run_ablaze({"explain", "--version"}).out == run_ablaze({"--version"}).out);
}

TEST_CASE("mistyped words are answered with the nearest ones") {
  check_usage({"explian", "photo.jpg"}, "did you mean explain?");
  check_usage({"--threads", "2", "clasify", "photo.jpg"}, "did you mean classify?");
  check_usage({"explain", "photo.jpg", "--metod", "ablation"}, "did you mean --method?");
  check_usage({"explain", "--clas=tench", "photo.jpg"}, "no option --clas (did you mean --class");
  check_usage({"explain", "-save-map", "photo.jpg"}, "did you mean --save-map?");
  check_usage({"--thraeds", "2", "methods"}, "did you mean --threads?");
  check_usage({"classify", "--save-map", "photo.jpg"}, "it is an option of 'ablaze explain'");
}

TEST_CASE("missing and superfluous words are named") {
  check_usage({}, "a command is required");
  check_usage({"explain"}, "INPUT");
  check_usage({"inspect"}, "MODEL");
  check_usage({"inspect", "a", "b"}, "\"b\"");
  check_usage({"convert", "a"}, "--out");
  check_usage({"activations", "a", "--out", "b"}, "--layer");
}

TEST_CASE("values out of range are refused before anything runs") {
  check_usage({"explain", "photo.jpg", "--opacity", "2"}, "--opacity");
  check_usage({"explain", "photo.jpg", "--threads", "-3"}, "--threads");
  check_usage({"explain", "photo.jpg", "--memory", "much"}, "size");
  check_usage({"explain", "photo.jpg", "--isa", "avx51"}, "avx51");
  check_usage({"explain", "photo.jpg", "--colours", "jett"}, "jet");
  check_usage({"explain", "photo.jpg", "--score", "logits"}, "logit");
  check_usage({"explain", "photo.jpg", "--ablate", "zeros"}, "zero");
  check_usage({"explain", "photo.jpg", "--ablate", "scale=half"}, "scale=0.5");
  check_usage({"explain", "photo.jpg", "--ablate", "scale"}, "scale=S");
  check_usage({"classify", "photo.jpg", "--top", "0"}, "--top");
  check_usage({"convert", "a", "--out", "b", "--dtype", "f64"}, "f16");
  check_usage({"convert", "a", "--out", "b", "--activation", "sigmoit"}, "sigmoid");
  check_usage({"convert", "a", "--out", "b", "--std", "0"}, "--std");
  check_usage({"convert", "a", "--out", "b", "--mean", "1,2"}, "--mean");
}

TEST_CASE("a file may be called as a command is") {
  const Workshop w;
  const Finished done = run_ablaze({"classify", "--model", w.model(), "inspect"});
  CHECK(done.status == 1);
  CHECK(says(done.err, "inspect: "));
}
