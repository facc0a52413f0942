// ablaze evaluate and merge, as a user runs them.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/image.hpp>

#include "support/child.hpp"
#include "support/shared_data.hpp"
#include "tools/workshop.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

using Strings = std::vector<std::string>;

/// Photos of two classes, and the arguments to measure them.
class Photos : public Workshop {
 public:
  explicit Photos(int each = 3) {
    for (int i = 0; i < each; ++i) {
      save_picture("photos/tench/" + std::to_string(i) + ".png", 70 + 3 * i, 66);
      save_picture("photos/golf ball/" + std::to_string(i) + ".png", 64, 80 - i);
    }
  }

  Strings words(const std::string& out, const Strings& more = {}) const {
    Strings all{"evaluate",        *this / "photos", "--model", model(), "--method",
                "ablation,random", "--steps",        "5",       "--out", *this / out};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// All files of a folder of results with their bytes.
  std::string all_of(const std::string& folder) const {
    std::string text;
    for (const std::string& file : files_in(folder)) text += file + "\n" + read(folder + "/" + file);
    return text;
  }
};

bool is_installed(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::string in_quotes(const std::string& word) { return "'" + word + "'"; }

/// A command line as one word, because parallel passes it to another shell.
std::string doubly_quoted(const std::string& command) {
  std::string text;
  for (const char c : command)
    text += c == '"' || c == '\\' || c == '$' || c == '`' ? std::string("\\") + c : std::string(1, c);
  return "\"" + text + "\"";
}

/// Runs a shell command without output and returns its status.
int shell(const std::string& command) {
  const int waited = std::system((command + " >/dev/null 2>&1 </dev/null").c_str());
  return WIFEXITED(waited) ? WEXITSTATUS(waited) : -1;
}

std::string shell_words(const Strings& words) {
  std::string text = in_quotes(ABLAZE_PROGRAM);
  for (const std::string& word : words) text += " " + in_quotes(word);
  return text;
}

}  // namespace

TEST_CASE("evaluate writes results, summaries and figures, and prints the tables") {
  const Photos w;
  const Finished done = run_ablaze(w.words("out"));
  CHECK(done.status == 0);
  CHECK(done.err == "");
  CHECK(says(done.out, "Insertion (higher is better)"));
  CHECK(says(done.out, "ablation wins"));
  CHECK(w.files_in("out") == Strings{"bars.svg", "curves.svg", "results.jsonl", "run.json", "summary.csv",
                                     "summary.json", "summary.md"});
  const std::string results = w.read("out/results.jsonl");
  CHECK(std::count(results.begin(), results.end(), '\n') == 6 * 2 * 4);
  CHECK(Json::parse(results.substr(0, results.find('\n')))["path"] == "golf ball/0.png");
  // The number of threads changes no byte, and running a finished run again changes nothing.
  const std::string before = w.all_of("out");
  CHECK(run_ablaze(w.words("two", {"--threads", "2"})).status == 0);
  CHECK(w.all_of("two") == before);
  const Finished again = run_ablaze(w.words("out"));
  CHECK(says(again.err, "6 of 6 photos are already measured"));
  CHECK(w.all_of("out") == before);
}

TEST_CASE("evaluate --json prints a line a method and metric, and for each two methods") {
  const Photos w(1);
  const auto lines = run_ablaze(w.words("out", {"--json", "--metrics", "insertion,increase"})).json();
  REQUIRE(lines.size() == 6);
  CHECK(lines[0]["method"] == "ablation");
  CHECK(lines[0]["against"].is_null());
  CHECK(lines[0]["photos"] == 2);
  CHECK(lines[5]["against"] == "random");
  CHECK(lines[5]["wins"].is_number());
}

TEST_CASE("a photo that cannot be read is reported, recorded and tried again") {
  const Photos w(1);
  w.write("photos/tench/broken.png", "no picture");
  const Finished done = run_ablaze(w.words("out"));
  CHECK(done.status == 1);
  CHECK(says(done.err, "tench/broken.png"));
  CHECK(says(done.err, "1 of 3 photos failed"));
  CHECK(says(w.read("out/results.jsonl"), "\"error\":"));
  CHECK_FALSE(says(w.read("out/results.jsonl"), w / "photos"));  // the data set's location is not reported
  CHECK(says(w.read("out/summary.md"), "Photos that failed"));
  CHECK(Json::parse(w.read("out/summary.json"))["failed"][0]["path"] == "tench/broken.png");
  const std::string before = w.all_of("out");
  CHECK(run_ablaze(w.words("out")).status == 1);
  CHECK(w.all_of("out") == before);
  w.save_picture("photos/tench/broken.png");
  CHECK(run_ablaze(w.words("out")).status == 0);
}

TEST_CASE("a folder of another run is refused") {
  const Photos w(1);
  CHECK(run_ablaze(w.words("out")).status == 0);
  const std::string before = w.all_of("out");
  const auto refusal = [&](const Strings& more) {
    const Finished done = run_ablaze(w.words("out", more));
    CHECK(done.status == 1);
    CHECK(says(done.err, "it holds another run's results"));
    return done.err;
  };
  CHECK(says(refusal({"--metrics", "deletion"}), "metrics"));
  CHECK(says(refusal({"--layer", "layer3"}), "explain.layer"));
  CHECK(says(refusal({"--shard", "0/2"}), "shard"));
  CHECK(says(refusal({"--ablate", "scale=0.5"}), "explain.ablate"));
  w.save_picture("photos/tench/new.png");
  CHECK(says(refusal({}), "photos.count: now 3, there 2"));
  CHECK(w.all_of("out") == before);
}

TEST_CASE("results of another JPEG decoder, or of an unknown one, are refused") {
  const Photos w(1);
  REQUIRE(run_ablaze(w.words("out")).status == 0);
  const Json manifest = Json::parse(w.read("out/run.json"));
  CHECK(manifest["engine"]["jpeg"] == jpeg_decoder());
  Json other = manifest, older = manifest;
  other["engine"]["jpeg"] = "a decoder of 1999";
  older["engine"].erase("jpeg");
  for (const std::string shard : {"0/2", "1/2"}) {
    const std::string folder = "shard" + shard.substr(0, 1);
    REQUIRE(run_ablaze(w.words(folder, {"--shard", shard})).status == 0);
  }
  for (const auto& [changed, name] :
       {std::pair{other, "a decoder of 1999"}, std::pair{older, "did not record"}}) {
    w.write("out/run.json", changed.dump());
    const Finished resumed = run_ablaze(w.words("out"));
    CHECK(resumed.status == 1);
    CHECK(says(resumed.err, "another decoder of JPEGs: now " + jpeg_decoder()));
    CHECK(says(resumed.err, name));
    Json shard = changed;
    shard["shard"] = "1/2";
    w.write("shard1/run.json", shard.dump());
    const Finished merged = run_ablaze({"merge", w / "shard0", w / "shard1", "--out", w / "merged"});
    CHECK(merged.status == 1);
    CHECK(says(merged.err, "another decoder of JPEGs"));
    CHECK(says(merged.err, name));
  }
}

TEST_CASE("evaluate tells what is odd about a photo's file") {
  const Photos w(1);
  std::ifstream file(test_data("image/baseline.jpg"), std::ios::binary);
  const std::string jpeg{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  w.write("photos/tench/odd.jpg", jpeg + "left over");
  const Finished done = run_ablaze(w.words("out"));
  CHECK(done.status == 0);
  const std::string note = "odd.jpg: 9 bytes follow the JPEG's end";
  CHECK(says(done.err, note));
  // A photo with objects of two classes is measured for each of them, and told of once.
  w.write("i.json", R"({"images":[{"id":1,"file_name":"odd.jpg"}],
    "categories":[{"id":1,"name":"golf ball"},{"id":2,"name":"tench"}],
    "annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,9,9]},{"image_id":1,"category_id":2,"bbox":[0,0,9,9]}]})");
  Strings words = w.words("two", {"--boxes", w / "i.json", "--of-label"});
  words[1] = w / "photos/tench/odd.jpg";
  const Finished both = run_ablaze(words);
  CHECK(both.status == 0);
  const std::string results = w.read("two/results.jsonl");
  CHECK(says(results, "\"label\":\"golf ball\""));
  CHECK(says(results, "\"label\":\"tench\""));
  CHECK(says(both.err, note));
  CHECK(both.err.find(note) == both.err.rfind(note));
}

TEST_CASE("killed at any moment and started again, the results are the same bytes") {
  const Photos w(6);
  const Strings metrics{"--metrics", "insertion,average-drop"};
  REQUIRE(run_ablaze(w.words("whole", metrics)).status == 0);
  const std::string whole = w.all_of("whole");
  Strings words = w.words("killed", metrics);
  const auto finish_and_compare = [&] {
    CHECK(run_ablaze(words).status == 0);
    CHECK(w.all_of("killed") == whole);  // includes hidden files: temporaries of a killed run are gone
    std::filesystem::remove_all(w / "killed");
  };
  Strings command = words;
  command.insert(command.begin(), ABLAZE_PROGRAM);

  SUBCASE("by the system, at a byte that it writes") {
    const std::size_t results = w.read("whole/results.jsonl").size();
    REQUIRE(w.read("whole/run.json").size() < results / 2);
    constexpr std::size_t kKills = 12;
    for (std::size_t i = 0; i < kKills; ++i) {
      const std::size_t limit = (i + 1) * results / (kKills + 1);
      CAPTURE(limit);
      Child child(command, {.file_size = limit});
      CHECK(child.wait() == -SIGXFSZ);
      if (limit >= results / 2) CHECK(w.read("killed/results.jsonl").size() == limit);
      if (i % 3 == 2) finish_and_compare();
    }
  }
  SUBCASE("from outside, when a photo's results have come") {
    for (const std::ptrdiff_t photos : {1, 3, 8}) {
      Child child(command);
      child.wait_until([&] {
        const std::string lines = w.read("killed/results.jsonl");
        return std::count(lines.begin(), lines.end(), '\n') >= 4 * photos;
      });
      child.signal(SIGKILL);
      child.wait();  // killed, or just finished
      finish_and_compare();
    }
  }
}

TEST_CASE("shards in any order, and several processes, give the bytes of one") {
  const Photos w;
  REQUIRE(run_ablaze(w.words("whole")).status == 0);
  const std::string whole = w.all_of("whole");
  for (const std::string shard : {"1", "0"}) {
    CHECK(run_ablaze(w.words("shard" + shard, {"--shard", shard + "/2"})).status == 0);
  }
  CHECK(says(w.read("shard1/summary.md"), "only shard 1/2"));
  const Finished merged = run_ablaze({"merge", w / "shard1", w / "shard0", "--out", w / "merged"});
  CHECK(merged.status == 0);
  CHECK(w.all_of("merged") == whole);
  CHECK(run_ablaze(w.words("merged")).status == 0);  // it is that run, finished
  CHECK(w.all_of("merged") == whole);

  const Finished lacking = run_ablaze({"merge", w / "shard1", "--out", w / "lacking"});
  CHECK(lacking.status == 1);
  CHECK(says(lacking.err, "shard 0/2 is missing"));
}

TEST_CASE("GNU parallel runs the shards") {
  if (!is_installed("parallel")) {
    MESSAGE("skipped: GNU parallel is not installed");
    return;
  }
  const Photos w(2);
  REQUIRE(run_ablaze(w.words("whole")).status == 0);
  Strings words = w.words("shard-{}", {"--shard", "{}/3"});
  CHECK(shell("HOME=" + in_quotes(w / "home") + " parallel --will-cite -j 3 " +
              doubly_quoted(shell_words(words)) + " ::: 0 1 2") == 0);
  CHECK(run_ablaze({"merge", w / "shard-2", w / "shard-0", w / "shard-1", "--out", w / "merged"}).status ==
        0);
  CHECK(w.all_of("merged") == w.all_of("whole"));
}

#ifdef ABLAZE_MPI
TEST_CASE("mpirun's processes share the photos and write the bytes of one") {
  const Photos w;
  w.write("photos/tench/broken.png", "no picture");
  CHECK(run_ablaze(w.words("whole")).status == 1);
  const std::string mpirun =
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
      "mpirun --oversubscribe --mca btl self,vader -n 3 ";
  CHECK(shell(mpirun + shell_words(w.words("shared"))) == 1);
  CHECK(w.all_of("shared") == w.all_of("whole"));
  // A leader that fails to start ends all processes.
  CHECK(shell(mpirun + shell_words(w.words("shared", {"--layer", "layer3"}))) == 1);
}
#else
TEST_CASE("mpirun's processes are told where the build has no MPI") {
  const Photos w(1);
  const Finished done = run_ablaze(w.words("out"), "OMPI_COMM_WORLD_SIZE=2");
  CHECK(done.status == 2);
  CHECK(says(done.err, "-DABLAZE_MPI=ON"));
}
#endif

TEST_CASE("labels, boxes and comparisons of runs") {
  const Photos w(1);
  w.write("boxes.csv",
          "path,label,xmin,ymin,xmax,ymax\nphotos/tench/0.png,tench,1,2,30,40\n"
          "photos/golf ball/0.png,golf ball,1,2,30,40\n");
  Strings words = w.words("out", {"--metrics", "pointing-game,energy-pointing-game", "--of-label"});
  words[1] = w / "boxes.csv";
  CHECK(run_ablaze(words).status == 0);
  CHECK(says(w.read("out/results.jsonl"), "\"class\":1,\"label\":\"golf ball\""));
  words.back() = "--tolerance=0";
  words[9] = w / "other";
  CHECK(run_ablaze(words).status == 0);
  const Strings compare{"evaluate", "--compare", w / "out/summary.json", w / "other/summary.json"};
  const Finished text = run_ablaze(compare);
  CHECK(text.status == 0);
  CHECK(says(text.out, "tolerance 15"));
  CHECK(says(text.out, "B minus A"));
  Strings as_json = compare;
  as_json.emplace_back("--json");
  CHECK(run_ablaze(as_json).json().size() == 4);
}

TEST_CASE("what cannot be measured is refused before anything is") {
  const Photos w(1);
  w.save_picture("flat/a.png");
  const auto refusal = [&](const Strings& words, int status) {
    const Finished done = run_ablaze(words);
    CHECK(done.status == status);
    return done.err;
  };
  CHECK(says(refusal({"evaluate"}, 2), "PHOTOS"));
  CHECK(says(refusal({"evaluate", w / "nowhere"}, 1), "nowhere"));
  CHECK(says(refusal({"evaluate", w / "flat", "--model", w.model(), "--of-label", "--out", w / "o"}, 2),
             "--of-label"));
  CHECK(says(refusal(w.words("o", {"--metrics", "insertoin"}), 2), "insertion"));
  CHECK(says(refusal(w.words("o", {"--shard", "2/2"}), 2), "--shard"));
  CHECK(says(refusal(w.words("o", {"--method", "cam", "--layer", "layer3"}), 2),
             "cam cannot explain this layer"));
  CHECK(says(refusal({"merge", w / "nowhere", "--out", w / "o"}, 1), "run.json"));
  CHECK(says(refusal({"merge", w / "nowhere"}, 2), "--out"));
  CHECK_FALSE(std::filesystem::exists(w / "o"));
}

TEST_CASE("one photo alone is measured, with boxes from a file") {
  const Photos w(1);
  Strings words = w.words("out", {"--metrics", "pointing-game", "--tolerance", "0"});
  words[1] = w / "photos/tench/0.png";
  const Finished without = run_ablaze(words);
  CHECK(without.status == 2);
  CHECK(says(without.err, "pointing-game needs boxes"));
  w.write("i.json", R"({"images":[{"id":1,"file_name":"0.png","width":70,"height":66}],
    "categories":[{"id":1,"name":"golf ball"},{"id":2,"name":"dog"}],
    "annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,70,66]},{"image_id":1,"category_id":2,"bbox":[0,0,9,9]}]})");
  words.insert(words.end(), {"--boxes", w / "i.json"});
  const Finished done = run_ablaze(words);
  CHECK(done.status == 0);
  CHECK(says(done.err, "left out: objects of classes that the model does not have: dog (1)"));
  CHECK(says(w.read("out/results.jsonl"), "\"value\":100"));
  w.write("0.txt", "0 0.5 0.5 1 1\n");
  w.write("data.yaml", "names: [dog]\n");
  words.back() = w / "data.yaml";
  words[9] = w / "other";
  std::filesystem::copy_file(w / "0.txt", w / "photos/tench/0.txt");
  const Finished nothing = run_ablaze(words);
  CHECK(nothing.status == 1);
  CHECK(says(nothing.err, "no object is of a class of the model; found dog (1)"));
  words.back() = w / "photos";
  CHECK(run_ablaze(words).status == 1);  // names of classes are missing
}

TEST_CASE("data sets that name classes by WordNet ids need the model's") {
  const Photos w(1);
  std::filesystem::rename(w / "photos/tench", w / "photos/n01440764");
  std::filesystem::rename(w / "photos/golf ball", w / "photos/n03445777");
  const Strings metrics{"--metrics", "average-drop", "--of-label"};
  const Finished refused = run_ablaze(w.words("out", metrics));
  CHECK(refused.status == 1);
  CHECK(says(refused.err, "--synsets FILE"));
  w.write("synset_words.txt",
          "n01440764 tench, Tinca tinca\nn02102040 English springer\nn03445777 golf ball\n");
  Strings with = metrics;
  with.insert(with.end(), {"--synsets", w / "synset_words.txt"});
  CHECK(run_ablaze(w.words("out", with)).status == 0);
  CHECK(says(w.read("out/results.jsonl"), "\"label\":\"golf ball\""));
}

TEST_CASE("files that are no list of photos are told from one") {
  const Photos w(1);
  const auto refusal = [&](const std::string& name, std::string_view bytes) {
    w.write(name, bytes);
    Strings words = w.words("out");
    words[1] = w / name;
    const Finished done = run_ablaze(words);
    CHECK(done.status == 1);
    return done.err;
  };
  CHECK(says(refusal("a.json", "{}"), "this file as --boxes"));
  CHECK(says(refusal("a.xml", "<annotation/>"), "this file as --boxes"));
  CHECK(says(refusal("a.webp", std::string_view("RIFF\0\0\0\0WEBPVP8 ", 16)), "WebP"));
  CHECK(says(refusal("a.safetensors", std::string_view("\1\0\0\0", 4)), "expected text"));
}
