
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "evaluate/report/compare.hpp"
#include "evaluate/report/figures.hpp"
#include "evaluate/report/svg.hpp"
#include "evaluate/run/merge.hpp"
#include "formats/csv.hpp"
#include "formats/xml.hpp"
#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::evaluate;
using ablaze::testing::message_of;
using ablaze::testing::says;
using ablaze::testing::TemporaryDirectory;
using base::Json;
using doctest::Approx;

namespace {

Manifest manifest_of(const std::vector<std::string>& methods, std::size_t photos, const Shard& shard = {}) {
  const Json what{{"format", 1},
                  {"model", {{"file", "m.safetensors"}, {"architecture", "resnet"}, {"sha256", "0"}}},
                  {"methods", methods},
                  {"metrics", {"insertion", "pointing-game"}},
                  {"explain", {{"layer", "layer4"}}},
                  {"photos", {{"count", photos}, {"sha256", "1"}}}};
  return {std::make_shared<const Json>(what), shard};
}

/// Insertion of the first method is 0.5 + photo / 10, of each further method 0.25 less; the pointing game has
/// values only for even photos.
PhotoResult result_of(const std::vector<std::string>& methods, std::size_t photo) {
  PhotoResult result{photo, std::to_string(photo) + ".jpg", 0, "tench", {}, {}};
  for (std::size_t i = 0; i < methods.size(); ++i) {
    const double value = 0.5 + static_cast<double>(photo) / 10 - 0.25 * static_cast<double>(i);
    result.measurements.push_back({methods[i], "insertion", value, {0, value, 1}, ""});
    if (photo % 2 == 0) result.measurements.push_back({methods[i], "pointing-game", 100, {}, ""});
  }
  return result;
}

const std::vector<std::string> two{"ablation", "<random> & \"others\""};

void write_run(const std::filesystem::path& folder, std::size_t photos, const Shard& shard = {}) {
  RunFolder run(folder, manifest_of(two, photos, shard));
  auto open = run.open_photos();
  for (auto photo = open.rbegin(); photo != open.rend(); ++photo)
    run.append(to_lines(result_of(two, *photo)));
  run.finish();
}

std::string read(const std::filesystem::path& file) {
  const auto bytes = base::read_file(file, 1 << 24);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("of two increases the larger one wins") {
  const TemporaryDirectory folder;
  Manifest manifest = manifest_of({"ablation", "random"}, 4);
  Json what = *manifest.what;
  what["metrics"] = {"average-drop"};
  manifest.what = std::make_shared<const Json>(what);
  {
    RunFolder run(folder / "run", manifest);
    for (std::size_t photo = 0; photo < 4; ++photo) {
      // Both increase on three photos, the first method more; on the last photo the first decreases and the
      // other increases.
      PhotoResult result{photo, std::to_string(photo) + ".jpg", 0, "tench", {}, {}};
      const double masked = photo < 3 ? 0.9 : 0.2;
      result.measurements.push_back({"ablation", "average-drop", photo < 3 ? 0.0 : 60.0, {0.5, masked}, ""});
      result.measurements.push_back({"random", "average-drop", 0, {0.5, 0.8}, ""});
      run.append(to_lines(result));
    }
    run.finish();
  }
  const Summary summary = summarise(folder / "run");
  REQUIRE(summary.pairs.size() == 1);
  CHECK(summary.pairs[0].wins == 75);
  CHECK(summary.pairs[0].difference.mean == Approx(15));
}

TEST_CASE("a summary has means, differences, wins and mean curves") {
  const TemporaryDirectory folder;
  write_run(folder / "run", 5);
  const Summary summary = summarise(folder / "run");
  CHECK(summary.photos == 5);
  CHECK(summary.mean("ablation", "insertion")->value.mean == Approx(0.7));
  CHECK(summary.mean("ablation", "insertion")->value.count == 5);
  CHECK(summary.mean("ablation", "pointing-game")->value.count == 3);
  CHECK(summary.mean("gradcam", "insertion") == nullptr);
  REQUIRE(summary.pairs.size() == 2);
  CHECK(summary.pairs[0].difference.mean == Approx(0.25));
  CHECK(summary.pairs[0].difference.low == Approx(0.25));
  CHECK(summary.pairs[0].wins == 100);
  CHECK(summary.pairs[1].wins == 50);  // equal pairs
  REQUIRE(summary.curves.size() == 2);
  CHECK(summary.curves[0].values[1] == Approx(0.7));
}

TEST_CASE("a summary's JSON and CSV hold the same numbers") {
  const TemporaryDirectory folder;
  write_run(folder / "run", 4);
  const Summary summary = summarise(folder / "run");
  write_summary(folder / "run", summary);
  const Json json = Json::parse(read(folder / "run/summary.json"));
  const auto rows = formats::read_csv(read(folder / "run/summary.csv"), "summary.csv");
  REQUIRE(rows.size() == 1 + json["means"].size() + json["differences"].size());
  CHECK(rows[1].fields[0] == "ablation");
  CHECK(std::stod(rows[1].fields[4]) == json["means"][0]["mean"].get<double>());
  CHECK(rows.back().fields[1] == two[1]);
  CHECK(std::stod(rows[5].fields[7]) == json["differences"][0]["wins"].get<double>());
  CHECK(says(read(folder / "run/summary.md"), "| ablation | 0.6500 ["));
}

TEST_CASE("figures are well-formed, whatever methods and numbers there are") {
  const TemporaryDirectory folder;
  write_run(folder / "run", 3);
  Summary summary = summarise(folder / "run");
  for (const double value : {0.0, -3.0, 1e-9, 1e12}) {
    summary.means[0].value = {value, value - 1, value + 1, 3};
    for (const std::string& figure : {bars_svg(summary), curves_svg(summary)}) {
      const auto root = formats::read_xml(figure, "figure.svg");
      CHECK(root.name == "svg");
      CHECK(root.children.size() > 10);
      CHECK_FALSE(says(figure, "nan"));
      CHECK_FALSE(says(figure, "inf"));
    }
  }
  Svg svg(10, 10);
  svg.text(0, 0, "<a> & \"b\"\x01", Svg::Anchor::start, 10);
  CHECK(formats::read_xml(std::move(svg).finish(), "a.svg").text_of("text") == "<a> & \"b\"?");
}

TEST_CASE("a run of no photo has a summary without numbers") {
  const TemporaryDirectory folder;
  {
    RunFolder run(folder / "run", manifest_of(two, 1));
    run.append(to_lines({0, "a.jpg", -1, "", {}, "no | picture"}));
    run.finish();
  }
  const Summary summary = summarise(folder / "run");
  write_summary(folder / "run", summary);
  CHECK(summary.photos == 0);
  CHECK(says(summary_markdown(summary), "- a.jpg: no \\| picture"));
  CHECK(Json::parse(summary_json(summary))["failed"][0]["error"] == "no | picture");
  CHECK(Json::parse(summary_json(summary))["means"].size() == 4);
  CHECK(formats::read_xml(bars_svg(summary), "a.svg").name == "svg");
}

TEST_CASE("a run goes on behind what is torn, and tries failed photos again") {
  const TemporaryDirectory folder;
  write_run(folder / "whole", 3);
  const auto torn = folder / "torn";
  {
    RunFolder run(torn, manifest_of(two, 3));
    run.append(to_lines({2, "2.jpg", -1, "", {}, "busy"}));
    run.append(to_lines(result_of(two, 0)));
  }
  std::ofstream(torn / "results.jsonl", std::ios::app) << to_lines(result_of(two, 1)).substr(0, 200);
  RunFolder run(torn, manifest_of(two, 3));
  CHECK(run.dropped_bytes() == 200);
  CHECK(run.open_photos() == std::vector<std::size_t>{1, 2});
  CHECK(says(message_of([&] { RunFolder(torn, manifest_of(two, 3)); }), "another 'ablaze evaluate'"));
  for (const std::size_t photo : run.open_photos()) run.append(to_lines(result_of(two, photo)));
  run.finish();
  CHECK(read(torn / "results.jsonl") == read(folder / "whole/results.jsonl"));
}

TEST_CASE("another run's folder is refused, and the difference named") {
  const TemporaryDirectory folder;
  write_run(folder / "run", 3);
  const auto refusal = [&](const Manifest& manifest) {
    return message_of([&] { RunFolder(folder / "run", manifest); });
  };
  CHECK(says(refusal(manifest_of(two, 4)), "photos.count: now 4, there 3"));
  CHECK(says(refusal(manifest_of({"ablation"}, 3)), "methods: now"));
  CHECK(says(refusal(manifest_of(two, 3, {0, 2})), "shard: now 0/2, there 0/1"));
  CHECK(refusal(manifest_of(two, 3)) == "");
  std::ofstream(folder / "run/run.json") << "{\"format\":1,\"shard\":\"0/1\"}";
  CHECK(says(refusal(manifest_of(two, 3)), "not a manifest of 'ablaze evaluate'"));
  std::filesystem::remove(folder / "run/run.json");
  CHECK(says(refusal(manifest_of(two, 3)), "results without their manifest run.json"));
}

TEST_CASE("shards merge to what one process writes, in any order") {
  const TemporaryDirectory folder;
  write_run(folder / "whole", 8);
  for (std::size_t i = 0; i < 3; ++i) write_run(folder / std::to_string(i), 8, {i, 3});
  const std::vector<std::filesystem::path> order{folder / "2", folder / "0", folder / "1"};
  merge_shards(order, folder / "merged");
  for (const char* file : {"results.jsonl", "run.json"}) {
    CHECK(read(folder / "merged" / file) == read(folder / "whole" / file));
  }
  merge_shards(order, folder / "merged");  // again
}

TEST_CASE("shards that do not go together are named") {
  const TemporaryDirectory folder;
  for (std::size_t i = 0; i < 2; ++i) write_run(folder / std::to_string(i), 5, {i, 3});
  write_run(folder / "other", 6, {2, 3});
  write_run(folder / "half", 5, {1, 2});
  { const RunFolder begun(folder / "begun", manifest_of(two, 5, {2, 3})); }
  const auto refusal = [&](const std::vector<std::string>& names) {
    std::vector<std::filesystem::path> folders;
    for (const std::string& name : names) folders.push_back(folder / name);
    return message_of([&] { merge_shards(folders, folder / "merged"); });
  };
  CHECK(says(refusal({"1", "0"}), "shard 2/3 is missing"));
  CHECK(says(refusal({"0", "1", "0"}), "both shard 0/3"));
  CHECK(says(refusal({"0", "half"}), "they overlap"));
  CHECK(says(refusal({"0", "1", "other"}), "different runs (photos.count"));
  CHECK(says(refusal({"0", "1", "begun"}), "has 0 of the 1 photos of shard 2/3"));
  CHECK(says(refusal({"nothing"}), "run.json"));
  CHECK_FALSE(std::filesystem::exists(folder / "merged"));
}

TEST_CASE("shard words") {
  CHECK(parse_shard("2/3").index == 2);
  CHECK(parse_shard("0/1").share_of(5) == 5);
  CHECK(Shard{1, 3}.share_of(5) == 2);
  CHECK(Shard{2, 3}.share_of(5) == 1);
  for (const char* wrong : {"", "1", "3/3", "-1/2", "0/0", "a/b", "0/2x", "0/99999999999", "/2", "0/"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_shard(wrong), UsageError);
  }
}

TEST_CASE("two runs are compared photo by photo where they can be") {
  const TemporaryDirectory folder;
  for (const char* name : {"a", "b"}) {
    write_run(folder / name, 4);
    write_summary(folder / name, summarise(folder / name));
  }
  const auto paired = compare_runs(folder / "a/summary.json", folder / "b/summary.json");
  REQUIRE(paired.means.size() == 4);
  CHECK(paired.means[0].paired);
  CHECK(paired.means[0].difference.mean == 0);
  CHECK(paired.means[0].wins == 50);
  std::filesystem::remove(folder / "b/results.jsonl");
  const auto apart = compare_runs(folder / "a/summary.json", folder / "b/summary.json");
  CHECK_FALSE(apart.means[0].paired);
  CHECK(apart.remarks.size() == 1);
  std::ofstream(folder / "b/summary.json") << "{\"run\":{}}";
  CHECK(says(message_of([&] { compare_runs(folder / "a/summary.json", folder / "b/summary.json"); }),
             "expected a summary.json"));
}
