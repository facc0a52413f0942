#include "evaluate/dataset/dataset.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;
namespace fs = std::filesystem;

namespace {

/// The parts of a model that a data set needs: its labels, two of which share a name.
Model labelled() {
  Model model;
  model.labels = {"tench, Tinca tinca", "golf ball", "crane, bird", "crane, machine"};
  model.graph.add("input", op::Input{{4}}, {});
  Tensor weight({4, 4});
  model.graph.add("fc", op::Linear{weight, {}}, {0});
  return model;
}

struct Folder : TemporaryDirectory {
  fs::path write(const fs::path& name, const std::string& text) const {
    fs::create_directories((*this / name).parent_path());
    std::ofstream(*this / name) << text;
    return *this / name;
  }
};

std::string csv_refusal(const std::string& text) {
  const Folder folder;
  const fs::path file = folder.write("photos.csv", text);
  return message_of([&] { evaluate::read_csv(file, labelled()); });
}

std::vector<int> sides(const PixelRectangle& box) { return {box.x, box.y, box.right(), box.bottom()}; }

std::string object(const std::string& name, const std::string& box) {
  return "<object><name>" + name + "</name><bndbox>" + box + "</bndbox></object>";
}

constexpr const char* some_box = "<xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax>";

}  // namespace

TEST_CASE("folders called as classes are label their photos") {
  const std::vector<fs::path> files{"/d/Golf_ball/a.jpg", "/d/val/tinca-tinca/b.jpg"};
  const auto dataset = evaluate::read_folder(files, "/d", labelled());
  CHECK(dataset.photos[0].path == "Golf_ball/a.jpg");
  CHECK(dataset.photos[0].label == 1);
  CHECK(dataset.photos[1].label == 0);
  CHECK(dataset.remarks.empty());
}

TEST_CASE("other folders do not, and a mixture is refused") {
  const std::vector<fs::path> holidays{"/d/2019/a.jpg", "/d/b.jpg"};
  const auto dataset = evaluate::read_folder(holidays, "/d", labelled());
  CHECK_FALSE(dataset.photos[0].label);
  CHECK(dataset.remarks.size() == 1);
  const std::vector<fs::path> flat{"/d/b.jpg"};
  CHECK(evaluate::read_folder(flat, "/d", labelled()).remarks.empty());
  const std::vector<fs::path> mixed{"/d/golf ball/a.jpg", "/d/golf bal/b.jpg"};
  const std::string refusal = message_of([&] { evaluate::read_folder(mixed, "/d", labelled()); });
  CHECK(says(refusal, "golf bal (did you mean golf ball?)"));
  // If two labels differ only in punctuation, the exact label decides.
  Model twins = labelled();
  twins.labels[3] = "Golf-Ball!";
  const std::vector<fs::path> balls{"/d/golf ball/a.jpg", "/d/Golf-ball!/b.jpg"};
  const auto dataset_of_twins = evaluate::read_folder(balls, "/d", twins);
  CHECK(dataset_of_twins.photos[0].label == 1);
  CHECK(dataset_of_twins.photos[1].label == 3);
  // A name shared by two classes is no label.
  const std::vector<fs::path> cranes{"/d/golf ball/a.jpg", "/d/crane/b.jpg"};
  CHECK(says(message_of([&] { evaluate::read_folder(cranes, "/d", labelled()); }), "crane"));
}

TEST_CASE("a CSV file's rows of one photo and label are one photo with several boxes") {
  const Folder folder;
  const fs::path file = folder.write("photos.csv",
                                     "path,label,other,xmin,ymin,xmax,ymax\n"
                                     "a.jpg,golf ball,1,0.5,1,10.2,20\n"
                                     "b.jpg,,1,,,,\n"
                                     "a.jpg,golf ball,2,3,4,5,6\n"
                                     "a.jpg,3,2,3,4,5,6\n");
  const auto dataset = evaluate::read_csv(file, labelled());
  REQUIRE(dataset.photos.size() == 3);
  CHECK(dataset.photos[0].file == folder / "a.jpg");
  REQUIRE(dataset.photos[0].boxes.size() == 2);
  CHECK(sides(dataset.photos[0].boxes[0]) == std::vector{0, 1, 11, 20});
  CHECK_FALSE(dataset.photos[1].label);
  CHECK(dataset.photos[1].boxes.empty());
  CHECK(dataset.photos[2].label == 3);
}

TEST_CASE("a CSV file may have its boxes in one column, or none") {
  const Folder folder;
  const auto boxes = folder.write("a.csv", "Path,boxes\na.jpg,1 2 3 4; 5 6 7 8\nb.jpg,\n");
  const auto dataset = evaluate::read_csv(boxes, labelled());
  REQUIRE(dataset.photos[0].boxes.size() == 2);
  CHECK(sides(dataset.photos[0].boxes[1]) == std::vector{5, 6, 7, 8});
  CHECK(dataset.photos[1].boxes.empty());
  CHECK(evaluate::read_csv(folder.write("b.csv", "path\na.jpg\n"), labelled()).photos.size() == 1);
}

TEST_CASE("what is wrong in a CSV file is told with its line") {
  CHECK(says(csv_refusal("path,label\na.jpg,golf bal\n"), "line 2: \"golf bal\" is not a class"));
  CHECK(says(csv_refusal("path,label\na.jpg,4\n"), "line 2: \"4\" is not a class"));
  CHECK(says(csv_refusal("path,label\na.jpg\n"), "line 2: expected 2 fields, found 1"));
  CHECK(says(csv_refusal("file,label\na.jpg,1\n"), "path,label,boxes"));
  CHECK(says(csv_refusal("path,xmin\na.jpg,1\n"), "found 1 of them"));
  CHECK(says(csv_refusal("path,boxes,xmin,ymin,xmax,ymax\na.jpg,,,,,\n"), "use one of the two forms"));
  CHECK(says(csv_refusal("path,boxes\na.jpg,1 2 3\n"), "line 2: expected a box of four numbers"));
  CHECK(says(csv_refusal("path,boxes\na.jpg,5 2 3 4\n"), "line 2: expected a box with left < right"));
  for (const std::string number : {"nan", "inf", "1e300", "-1e9", "1x", "--1"}) {
    CAPTURE(number);
    CHECK(says(csv_refusal("path,boxes\na.jpg,1 2 3 " + number + "\n"),
               "line 2: expected a number of pixels as a box's side"));
  }
  CHECK(says(csv_refusal("path,label\n,1\n"), "line 2: expected a path"));
  CHECK(says(csv_refusal("path\n"), "one line per photo"));
  CHECK(says(csv_refusal(""), "one line per photo"));
  CHECK(says(csv_refusal("path\n\"a"), "expected a closing quote"));
}

TEST_CASE("VOC's files give a labelled photo its label's boxes") {
  const Folder folder;
  folder.write("a.xml", "<annotation>" + object("tench", some_box) + object("golf ball", some_box) +
                            object("something else", "no box") + "</annotation>");
  evaluate::Dataset dataset{{{"a.jpg", "/d/a.jpg", 1, {}}, {"b.jpg", "/d/b.jpg", 1, {}}}, {}};
  evaluate::add_voc_boxes(dataset, folder.path(), labelled());
  REQUIRE(dataset.photos.size() == 2);
  REQUIRE(dataset.photos[0].boxes.size() == 1);
  CHECK(sides(dataset.photos[0].boxes[0]) == std::vector{0, 1, 10, 20});  // counted from 0, end exclusive
  CHECK(dataset.photos[1].boxes.empty());
}

TEST_CASE("VOC's files make a photo without a label one for each class on it") {
  const Folder folder;
  folder.write("a.xml", "<annotation>" + object("golf ball", some_box) + object("tench", some_box) +
                            object("golf ball", some_box) + "</annotation>");
  evaluate::Dataset dataset{{{"a.jpg", "/d/a.jpg", {}, {}}}, {}};
  evaluate::add_voc_boxes(dataset, folder.path(), labelled());
  REQUIRE(dataset.photos.size() == 2);
  CHECK(dataset.photos[0].label == 0);
  CHECK(dataset.photos[1].label == 1);
  CHECK(dataset.photos[1].boxes.size() == 2);
}

TEST_CASE("VOC's files that are damaged or missing are told") {
  const auto refusal = [](const std::string& text) {
    const Folder folder;
    folder.write("a.xml", text);
    evaluate::Dataset dataset{{{"a.jpg", "/d/a.jpg", 1, {}}}, {}};
    return message_of([&] { evaluate::add_voc_boxes(dataset, folder.path(), labelled()); });
  };
  CHECK(says(refusal("<annotation>"), "a.xml, line 1"));
  CHECK(says(refusal("<html/>"), "found <html>"));
  CHECK(says(refusal("<annotation><object><name>golf ball</name></object></annotation>"),
             "an object without one"));
  CHECK(
      says(refusal("<annotation>" + object("golf ball", "<xmin>a</xmin>") + "</annotation>"), "found \"a\""));
  evaluate::Dataset dataset{{{"b.jpg", "/d/b.jpg", 1, {}}}, {}};
  const Folder empty;
  CHECK(says(message_of([&] { evaluate::add_voc_boxes(dataset, empty.path(), labelled()); }), "STEM.xml"));
  CHECK(says(message_of([&] { evaluate::add_voc_boxes(dataset, empty / "x", labelled()); }), "folder"));
}

TEST_CASE("a list of photos is told from another by paths, labels and boxes") {
  const evaluate::DatasetPhoto photo{"a.jpg", "/here/a.jpg", 1, {{1, 2, 2, 2}}};
  const auto sign = [](evaluate::DatasetPhoto one) { return evaluate::signature({{std::move(one)}, {}}); };
  auto moved = photo, other_path = photo, other_label = photo, other_box = photo;
  moved.file = "/there/a.jpg";
  other_path.path = "b.jpg";
  other_label.label.reset();
  other_box.boxes[0].width = 4 - other_box.boxes[0].x;
  CHECK(sign(moved) == sign(photo));
  for (const auto& other : {other_path, other_label, other_box}) CHECK(sign(other) != sign(photo));
}
