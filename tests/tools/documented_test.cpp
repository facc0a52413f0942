// Checks the documentation: the README's commands run, and the manual page has every option.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// Indented lines of a text that call ablaze's `command`, without a comment after " #".
std::vector<std::string> calls_in(const std::string& text, const std::string& command) {
  std::vector<std::string> calls;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find_first_not_of(' ');
    if (first == 0 || first == std::string::npos) continue;
    if (line.compare(first, 8 + command.size(), "ablaze " + command + " ") != 0) continue;
    calls.push_back(line.substr(first, line.find(" #") - first));
  }
  return calls;
}

/// Creates the photos and models named in the documents' commands.
void provide(const Workshop& w) {
  for (const char* name : {"photo.jpg", "photos/a.png", "photos/b.png"}) w.save_picture(name);
  fs::copy_file(w.model(), w / "model.safetensors");
  fs::copy_file(w.model(), w / "resnet50.safetensors");
}

/// Runs a line in a shell, in the workshop.
Finished run_line(const Workshop& w, const std::string& line) {
  w.write("line.sh", "ablaze() { " + std::string("'") + ABLAZE_PROGRAM + "' \"$@\"; }\n" + line + "\n");
  const int status = std::system(("cd '" + (w / ".") +
                                  "' && OMP_NUM_THREADS=1 ABLAZE_WEIGHTS='" ABLAZE_SOURCE_DIR
                                  "/weights' sh line.sh >out.txt 2>err.txt </dev/null")
                                     .c_str());
  return {status, w.read("out.txt"), w.read("err.txt")};
}

void check_calls(const std::vector<std::string>& calls, std::size_t at_least) {
  CHECK(calls.size() >= at_least);
  const Workshop w;
  provide(w);
  for (const std::string& call : calls) {
    // A small image shows no parachute; this tests the command line.
    const Finished done = run_line(w, call);
    CAPTURE(call);
    CAPTURE(done.err);
    CHECK(done.status == 0);
  }
}

/// The options (--name) in a text; manual pages write "-" as "\\-".
std::set<std::string> options_in(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\-", at)) != std::string::npos;) text.erase(at, 1);
  const auto of_a_name = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  std::set<std::string> found;
  for (std::size_t at = 0; (at = text.find("--", at)) != std::string::npos;) {
    // Troff's "\fB" may precede an option; after any other letter it is part of a word.
    const bool begins = at == 0 || std::string(" \n,.B").find(text[at - 1]) != std::string::npos;
    std::size_t end = at + 2;
    while (end < text.size() && of_a_name(text[end])) ++end;
    const bool named = end >= at + 4 && text[at + 2] != '-';
    if (begins && named) found.insert(text.substr(at, end - at));
    at = end;
  }
  return found;
}

}  // namespace

TEST_CASE("the README's ways to explain run as they stand") {
  check_calls(calls_in(content(ABLAZE_SOURCE_DIR "/README.md"), "explain"), 7);
}

TEST_CASE("the examples of explain's help run as they stand") {
  check_calls(calls_in(run_ablaze({"explain", "--help"}).out, "explain"), 10);
}

TEST_CASE("the manual page knows every option, and no other") {
  const std::string page = content(ABLAZE_SOURCE_DIR "/tools/man/ablaze.1");
  const auto section = [&](const std::string& title) {
    const auto begin = page.find(".SH OPTIONS " + title);
    REQUIRE(begin != std::string::npos);
    return page.substr(begin, page.find("\n.SH ", begin) - begin);
  };
  for (const char* command : {"explain", "evaluate"}) {
    CAPTURE(command);
    std::string title = "OF " + std::string(command);
    std::transform(title.begin(), title.end(), title.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    CHECK(options_in(section(title) + "\n" + section("EVERYWHERE")) ==
          options_in(run_ablaze({command, "--help"}).out));
  }
}
