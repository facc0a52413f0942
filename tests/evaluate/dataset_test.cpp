#include "evaluate/dataset/dataset.hpp"

#include <algorithm>
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

template <class Box>
std::vector<double> sides(const Box& box) {
  return {double(box.x), double(box.y), double(box.right()), double(box.bottom())};
}
using Sides = std::vector<double>;

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
  CHECK(sides(dataset.photos[0].boxes[0]) == Sides{0, 1, 11, 20});
  CHECK_FALSE(dataset.photos[1].label);
  CHECK(dataset.photos[1].boxes.empty());
  CHECK(dataset.photos[2].label == 3);
}

TEST_CASE("a CSV file may have its boxes in one column, or none") {
  const Folder folder;
  const auto boxes = folder.write("a.csv", "Path,boxes\na.jpg,1 2 3 4; 5 6 7 8\nb.jpg,\n");
  const auto dataset = evaluate::read_csv(boxes, labelled());
  REQUIRE(dataset.photos[0].boxes.size() == 2);
  CHECK(sides(dataset.photos[0].boxes[1]) == Sides{5, 6, 7, 8});
  CHECK(dataset.photos[1].boxes.empty());
  CHECK(evaluate::read_csv(folder.write("b.csv", "path\na.jpg\n"), labelled()).photos.size() == 1);
}

TEST_CASE("what is wrong in a CSV file is told with its line") {
  CHECK(says(csv_refusal("path,label\na.jpg,golf bal\n"), "line 2: \"golf bal\" is not a class"));
  CHECK(says(csv_refusal("path,label\na.jpg,4\n"), "line 2: \"4\" is not a class"));
  CHECK(says(csv_refusal("path,label\na.jpg\n"), "line 2: expected 2 fields, found 1"));
  CHECK(says(csv_refusal("where,label\na.jpg,1\n"), "path,label,boxes"));
  CHECK(says(csv_refusal("path,xmin\na.jpg,1\n"), "found 1 of them"));
  CHECK(says(csv_refusal("path,boxes,xmin,ymin,xmax,ymax\na.jpg,,,,,\n"), "use one of the two forms"));
  CHECK(says(csv_refusal("path,boxes\na.jpg,1 2 3\n"), "line 2: expected a box of four numbers"));
  CHECK(says(csv_refusal("path,boxes\na.jpg,5 2 3 4\n"), "line 2: expected a box with left <= right"));
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
                            object("something else", some_box) + "</annotation>");
  evaluate::Dataset dataset{{{"a.jpg", "/d/a.jpg", 1, {}, {}}, {"b.jpg", "/d/b.jpg", 1, {}, {}}}, {}};
  evaluate::add_boxes(dataset, folder.path(), labelled());
  REQUIRE(dataset.photos.size() == 2);
  REQUIRE(dataset.photos[0].boxes.size() == 1);
  CHECK(sides(dataset.photos[0].boxes[0]) == Sides{0, 1, 10, 20});  // counted from 0, end exclusive
  CHECK(dataset.photos[1].boxes.empty());
}

TEST_CASE("VOC's files make a photo without a label one for each class on it") {
  const Folder folder;
  folder.write("a.xml", "<annotation>" + object("golf ball", some_box) + object("tench", some_box) +
                            object("golf ball", some_box) + "</annotation>");
  evaluate::Dataset dataset{{{"a.jpg", "/d/a.jpg", {}, {}, {}}}, {}};
  evaluate::add_boxes(dataset, folder.path(), labelled());
  REQUIRE(dataset.photos.size() == 2);
  CHECK(dataset.photos[0].label == 0);
  CHECK(dataset.photos[1].label == 1);
  CHECK(dataset.photos[1].boxes.size() == 2);
}

TEST_CASE("VOC's files that are damaged or missing are told") {
  const auto refusal = [](const std::string& text) {
    const Folder folder;
    folder.write("a.xml", text);
    evaluate::Dataset dataset{{{"a.jpg", "/d/a.jpg", 1, {}, {}}}, {}};
    return message_of([&] { evaluate::add_boxes(dataset, folder.path(), labelled()); });
  };
  CHECK(says(refusal("<annotation>"), "a.xml, line 1"));
  CHECK(says(refusal("<html/>"), "found <html>"));
  CHECK(says(refusal("<annotation><object><name>golf ball</name></object></annotation>"),
             "an object without one"));
  CHECK(
      says(refusal("<annotation>" + object("golf ball", "<xmin>a</xmin>") + "</annotation>"), "found \"a\""));
  evaluate::Dataset dataset{{{"b.jpg", "/d/b.jpg", 1, {}, {}}}, {}};
  const Folder empty;
  CHECK(says(message_of([&] { evaluate::add_boxes(dataset, empty.path(), labelled()); }), "STEM.xml"));
  CHECK(says(message_of([&] { evaluate::add_boxes(dataset, empty / "x", labelled()); }), "folder"));
}

namespace {

/// The same model, and the WordNet ids of its classes.
Model with_synsets() {
  Model model = labelled();
  model.synsets = {"n01440764", "n03445777", "", "n03126707"};
  return model;
}

/// Photos with these paths below a folder; no files.
evaluate::Dataset photos_at(const fs::path& folder, const std::vector<std::string>& paths) {
  evaluate::Dataset dataset;
  for (const std::string& path : paths) dataset.photos.push_back({path, folder / path, {}, {}, {}});
  return dataset;
}

bool remarks_say(const evaluate::Dataset& dataset, const std::string& part) {
  return std::ranges::any_of(dataset.remarks, [&](const std::string& remark) { return says(remark, part); });
}

Sides on(const evaluate::DatasetPhoto& photo, int width, int height) {
  return sides(evaluate::boxes_on(photo, width, height).at(0));
}

}  // namespace

TEST_CASE("folders and labels may be WordNet ids") {
  const std::vector<fs::path> files{"/d/n03445777/a.jpg", "/d/n01440764/b.jpg"};
  const auto dataset = evaluate::read_folder(files, "/d", with_synsets());
  CHECK(dataset.photos[0].label == 1);
  CHECK(dataset.photos[1].label == 0);
  const std::string refusal = message_of([&] { evaluate::read_folder(files, "/d", labelled()); });
  CHECK(says(refusal, "n01440764 and n03445777"));
  CHECK(says(refusal, "--synsets FILE"));
  Model named = labelled();
  named.labels = {"n01440764 tench", "n03445777 golf ball", "n1", "n2"};
  CHECK(evaluate::read_folder(files, "/d", named).photos[0].label == 1);
  CHECK(says(csv_refusal("path,label\na.jpg,n03445777\n"), "--synsets FILE"));
}

TEST_CASE("a CSV file's columns have many names, blanks and separators") {
  const Folder folder;
  const auto first = [&](const std::string& text) {
    const auto dataset = evaluate::read_csv(folder.write("photos.csv", text), labelled());
    CHECK(dataset.photos.at(0).path == "a.jpg");
    CHECK(dataset.photos.at(0).label == 1);
    return on(dataset.photos[0], 640, 480);
  };
  const Sides box{10, 20, 110, 220};
  CHECK(first("path, label, xmin, ymin, xmax, ymax\n a.jpg , golf ball, 10, 20, 110, 220\n") == box);
  CHECK(first("filename;class;x1;y1;x2;y2\na.jpg;golf ball;10;20;110;220\n") == box);
  CHECK(first("Image\tClass\tLeft\tTop\tRight\tBottom\r\na.jpg\tgolf ball\t10\t20\t110\t220\r\n") == box);
  CHECK(first("\xEF\xBB\xBFpath,label,x,y,w,h\na.jpg,golf ball,10,20,100,200\n") == box);
  CHECK(first("image_name,category,bbox_x,bbox_y,bbox_width,bbox_height\na.jpg,golf ball,10,20,100,200\n") ==
        box);
  CHECK(first("path,label,left,top,width,height\na.jpg,golf ball,10,20,100,200\n") == box);
  CHECK(first("path,label,x_center,y_center,width,height\na.jpg,golf ball,60,120,100,200\n") == box);
  // Open Images orders them another way.
  CHECK(first("ImageID,LabelName,XMin,XMax,YMin,YMax\na.jpg,golf ball,10,110,20,220\n") == box);
  // TensorFlow's tables: the numbers are in a picture of width x height.
  CHECK(first("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,320,240,golf ball,5,10,55,110\n") ==
        box);
  const auto dataset =
      evaluate::read_csv(folder.write("b.csv", "path,label,confidence,\na.jpg,1,0.5,\n"), labelled());
  CHECK(remarks_say(dataset, "columns that are not read: confidence"));
  CHECK(says(csv_refusal("a.jpg,golf ball\nb.jpg,golf ball\n"), "add one"));
  CHECK(says(csv_refusal("path,bbox\na.jpg,1 2 3 4\n"), "the column bbox"));
  CHECK(says(csv_refusal("path,x,y,w\na.jpg,1,2,3\n"), "found 2 of them (x and y)"));
  CHECK(says(csv_refusal("path,x,y,w,h\na.jpg,1,2,-3,4\n"), "line 2: expected a width and a height"));
}

TEST_CASE("a list of photos may have no header, and indices of classes") {
  const Folder folder;
  const auto yolo = evaluate::read_csv(folder.write("train.txt", "./a b.jpg\r\nc/d.png\r\n"), labelled());
  REQUIRE(yolo.photos.size() == 2);
  CHECK(yolo.photos[0].path == "./a b.jpg");
  CHECK_FALSE(yolo.photos[1].label);
  const auto caffe = evaluate::read_csv(folder.write("val.txt", "a.JPEG 3\nb.JPEG 0\n"), labelled());
  CHECK(caffe.photos[0].path == "a.JPEG");
  CHECK(caffe.photos[0].label == 3);
  CHECK(caffe.photos[1].label == 0);
  CHECK(says(csv_refusal("a.JPEG 9\n"), "line 1: \"9\" is not a class"));
}

TEST_CASE("a CSV file's column of boxes may hold lists in brackets") {
  const Folder folder;
  for (const char* const boxes :
       {"[[1, 2, 3, 4], [5, 6, 7, 8]]", "(1, 2, 3, 4), (5, 6, 7, 8)", "1,2,3,4;5,6,7,8"}) {
    const auto dataset = evaluate::read_csv(
        folder.write("b.csv", std::string("path,boxes\na.jpg,\"") + boxes + "\"\n"), labelled());
    REQUIRE(dataset.photos[0].boxes.size() == 2);
    CHECK(sides(dataset.photos[0].boxes[1]) == Sides{5, 6, 7, 8});
  }
}

TEST_CASE("a CSV file's photos may lack the ending") {
  const Folder folder;
  folder.write("b/a.JPEG", "");
  const auto dataset = evaluate::read_csv(folder.write("c.csv", "ImageId\nb/a\nb/c\n"), labelled());
  CHECK(dataset.photos[0].file == folder / "b/a.JPEG");
  CHECK(dataset.photos[0].path == "b/a");
  CHECK(dataset.photos[1].file == folder / "b/c");
}

TEST_CASE("a CSV file's boxes in fractions are of the photo") {
  const Folder folder;
  const auto read = [&](const std::string& rows) {
    return evaluate::read_csv(folder.write("f.csv", "path,xmin,ymin,xmax,ymax\n" + rows), labelled());
  };
  const auto dataset = read("a.jpg,0.1,0.1,0.6,0.7\nb.jpg,0,0,1,1\n");
  CHECK(on(dataset.photos[0], 200, 100) == Sides{20, 10, 120, 70});
  CHECK(on(dataset.photos[1], 200, 100) == Sides{0, 0, 200, 100});
  CHECK(remarks_say(dataset, "fractions"));
  CHECK(on(read("a.jpg,-0.01,0.5,1.004,1.0\n").photos[0], 200, 100) == Sides{0, 50, 200, 100});
  CHECK(says(message_of([&] { read("a.jpg,0.1,0.1,0.6,0.7\nb.jpg,10,10,60,70\n"); }),
             "line 2: this box seems"));
  CHECK_FALSE(remarks_say(read("a.jpg,0,0,1,2\n"), "fractions"));
}

TEST_CASE("boxes of one pixel, and without width") {
  const Folder folder;
  const auto thin = evaluate::read_csv(folder.write("t.csv", "path,boxes\na.jpg,5 6 5 6\n"), labelled());
  CHECK(on(thin.photos[0], 64, 64) == Sides{5, 6, 6, 7});
  CHECK(remarks_say(thin, "1 boxes without width or height"));
  folder.write("a.xml", "<annotation>" +
                            object("tench", "<xmin>100</xmin><ymin>7</ymin><xmax>100</xmax><ymax>7</ymax>") +
                            "</annotation>");
  auto dataset = photos_at("/d", {"a.jpg"});
  evaluate::add_boxes(dataset, folder / "a.xml", labelled());
  CHECK(on(dataset.photos[0], 128, 64) == Sides{99, 6, 100, 7});
}

TEST_CASE("boxes are scaled to a photo of another size, and refused on one of another shape") {
  const evaluate::DatasetPhoto photo{"a.jpg", "a.jpg", 1, {{50, 20, 100, 40}}, {500, 375}};
  CHECK(on(photo, 500, 375) == Sides{50, 20, 150, 60});
  CHECK(on(photo, 250, 188) == Sides{25, 10, 75, 31});
  CHECK(on(photo, 1000, 750) == Sides{100, 40, 300, 120});
  const auto refusal = [&](int width, int height) {
    return message_of([&] { evaluate::boxes_on(photo, width, height); });
  };
  CHECK(says(refusal(224, 224), "a picture of 500x375 pixels, but the photo has 224x224"));
  CHECK(says(refusal(375, 500), "EXIF"));
  // A pixel or two beyond the photo are cut; more is left for the evaluator to refuse.
  const evaluate::DatasetPhoto beyond{"a.jpg", "a.jpg", 1, {{-1, -1, 66, 40}}, {}};
  CHECK(on(beyond, 64, 64) == Sides{0, 0, 64, 39});
  const evaluate::DatasetPhoto far{"a.jpg", "a.jpg", 1, {{-1, 30, 20, 90}}, {}};
  CHECK(on(far, 64, 64) == Sides{0, 30, 19, 120});
}

TEST_CASE("VOC's files: the annotated size, WordNet ids, subfolders") {
  const Folder folder;
  const std::string text = "<annotation><size><width>20</width><height>40</height></size>" +
                           object("n03445777", some_box) + object("n00000000", some_box) + "</annotation>";
  folder.write("Annotations/n03445777/a.xml", text);
  auto dataset = photos_at("/d", {"n03445777/a.jpg", "x/b.jpg"});
  evaluate::add_boxes(dataset, folder.path(), with_synsets());
  REQUIRE(dataset.photos.size() == 2);
  CHECK(dataset.photos[0].label == 1);
  CHECK(on(dataset.photos[0], 10, 20) == Sides{0, 0, 5, 10});
  CHECK(remarks_say(dataset, "n00000000 (1)"));
  CHECK(remarks_say(dataset, "1 photo has no annotation"));
  auto unknown = photos_at("/d", {"n03445777/a.jpg"});
  CHECK(says(message_of([&] { evaluate::add_boxes(unknown, folder.path(), labelled()); }), "--synsets FILE"));
  auto labels = photos_at("/d", {"n03445777/a.jpg"});
  labels.photos[0].label = 2;
  CHECK(says(message_of([&] { evaluate::add_boxes(labels, folder.path(), with_synsets()); }), "no object"));
  // Two photos of one name cannot share a file.
  folder.write("flat/a.xml", text);
  auto twins = photos_at("/d", {"x/a.jpg", "y/a.jpg"});
  CHECK(says(message_of([&] { evaluate::add_boxes(twins, folder / "flat", with_synsets()); }),
             "fits two photos"));
}

namespace {

constexpr const char* instances = R"({
  "info": {"year": 2017},
  "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 100}, {"id": 2, "file_name": "b.jpg"},
             {"id": 3, "file_name": "absent.jpg"}],
  "categories": [{"id": 7, "name": "golf ball", "supercategory": "x"}, {"id": 9, "name": "tench"}, {"id": 11, "name": "dog"}],
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 7, "bbox": [10.5, 20, 30, 40.25], "segmentation": [[1, 2, 3, 4, 5, 6]]},
    {"id": 2, "image_id": 1, "category_id": 7, "bbox": [0, 0, 5, 5], "iscrowd": 0},
    {"id": 3, "image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4], "iscrowd": 1, "segmentation": {"counts": [1, 2]}},
    {"id": 4, "image_id": 2, "category_id": 11, "bbox": [1, 2, 3, 4]},
    {"id": 5, "image_id": 2, "category_id": 9, "bbox": [1, 2, 0, 0]},
    {"id": 6, "image_id": 2, "category_id": 9},
    {"id": 7, "image_id": 99, "category_id": 9, "bbox": [1, 2, 3, 4]}]})";

}  // namespace

TEST_CASE("COCO's instances") {
  const Folder folder;
  const fs::path file = folder.write("instances.json", instances);
  auto dataset = photos_at("/d", {"a.jpg", "b.jpg", "c.jpg"});
  evaluate::add_boxes(dataset, file, labelled());
  REQUIRE(dataset.photos.size() == 3);
  CHECK(dataset.photos[0].label == 1);
  REQUIRE(dataset.photos[0].boxes.size() == 2);
  CHECK(on(dataset.photos[0], 200, 100) == Sides{10, 20, 41, 61});
  CHECK(on(dataset.photos[0], 400, 200) == Sides{21, 40, 81, 121});
  CHECK(dataset.photos[1].label == 0);
  CHECK(on(dataset.photos[1], 64, 64) == Sides{1, 2, 2, 3});  // a box without width
  CHECK_FALSE(dataset.photos[2].label);
  for (const char* const remark :
       {"dog (1)", "1 photo has no annotation", "1 annotations of crowds", "1 annotations without a box",
        "1 annotations of images that the file does not list", "1 annotated images"})
    CHECK(remarks_say(dataset, remark));
}

TEST_CASE("COCO's photos are found by their folders where names are equal") {
  const Folder folder;
  const fs::path file =
      folder.write("i.json", R"({"images":[{"id":1,"file_name":"x/a.jpg"},{"id":2,"file_name":"y/a.jpg"}],
    "categories":[{"id":0,"name":"tench"}],"annotations":[{"image_id":2,"category_id":0,"bbox":[1,2,3,4]}]})");
  auto dataset = photos_at("/d", {"y/a.jpg", "x/a.jpg"});
  evaluate::add_boxes(dataset, file, labelled());
  CHECK(dataset.photos[0].boxes.size() == 1);
  CHECK(dataset.photos[1].boxes.empty());
  auto other = photos_at("/d", {"a.jpg"});
  CHECK(says(message_of([&] { evaluate::add_boxes(other, file, labelled()); }), "2 images are named a.jpg"));
}

TEST_CASE("COCO's files that are damaged are told") {
  const auto refusal = [](const std::string& images, const std::string& categories,
                          const std::string& annotations) {
    const Folder folder;
    const fs::path file =
        folder.write("i.json", R"({"images":[)" + images + R"(],"categories":[)" + categories +
                                   R"(],"annotations":[)" + annotations + "]}");
    return message_of([&] {
      auto dataset = photos_at("/d", {"a.jpg"});
      evaluate::add_boxes(dataset, file, labelled());
    });
  };
  const std::string image = R"({"id":1,"file_name":"a.jpg"})", tench = R"({"id":1,"name":"tench"})";
  const auto box = [&](const std::string& bbox) {
    return refusal(image, tench, R"({"image_id":1,"category_id":1,"bbox":)" + bbox + "}");
  };
  CHECK(box("[1,2,3,4]").empty());
  for (const char* const bad : {"[1,2,3]", "[1,2,3,\"4\"]", "[1,2,1e9,4]", "7"})
    CHECK(says(box(bad), "annotations[0]: expected four numbers"));
  CHECK(says(box("[1,2,-3,4]"), "0 or more"));
  CHECK(says(refusal(image + "," + image, tench, ""), "images[1]: the id 1 stands there twice"));
  CHECK(says(refusal(R"({"id":1})", tench, ""), "images[0]: expected text as \"file_name\""));
  CHECK(says(refusal(image, tench, R"({"image_id":1,"category_id":5,"bbox":[1,2,3,4]})"),
             "none of the categories"));
  CHECK(says(refusal(image, tench, R"({"category_id":1,"bbox":[1,2,3,4]})"),
             "expected a whole number as \"image_id\""));
  CHECK(says(refusal(image, tench, "5"), "annotations[0]: expected an object"));
  CHECK(says(refusal(image, tench, ""), "no object of a photo's class"));
  CHECK(says(refusal(R"({"id":1,"file_name":"b.jpg"})", tench, ""), "file_name\"; found none"));
  const auto text = [](const std::string& content) {
    const Folder folder;
    const fs::path file = folder.write("i.json", content);
    return message_of([&] {
      auto dataset = photos_at("/d", {"a.jpg"});
      evaluate::add_boxes(dataset, file, labelled());
    });
  };
  CHECK(says(text("[]"), "expected a JSON object"));
  CHECK(says(text("{"), "expected a JSON object"));
  CHECK(says(text("{\"images\":[]}"), "found no list \"annotations\""));
  CHECK(says(text("{\"images\":" + std::string(100'000, '[')), "expected a JSON object"));
}

TEST_CASE("YOLO's text files, with names beside or above them") {
  const Folder folder;
  folder.write("labels/val/a.txt", "1 0.5 0.5 0.5 0.25\r\n0 0.25 0.25 0.1 0.1 0.9\n");
  folder.write("labels/val/b.txt", "");
  folder.write("labels/val/c.txt", "2 0.1 0.2 0.5 0.2 0.5 0.6\n");
  folder.write("data.yaml",
               "train: images/train\nval: images/val\nnc: 3\nnames: ['golf ball', 'dog', tench]\n");
  const fs::path images = folder / "images";
  const auto paths = std::vector<std::string>{"val/a.jpg", "val/b.jpg", "val/c.jpg", "val/d.jpg"};
  for (const fs::path& annotations : {folder / "labels/val", folder / "labels", folder / "data.yaml"}) {
    CAPTURE(annotations);
    auto dataset = photos_at(images, paths);
    evaluate::add_boxes(dataset, annotations, labelled());
    REQUIRE(dataset.photos.size() == 4);
    CHECK(dataset.photos[0].label == 1);
    CHECK(on(dataset.photos[0], 200, 100) == Sides{40, 20, 60, 30});
    CHECK(dataset.photos[2].label == 0);
    CHECK(on(dataset.photos[2], 200, 100) == Sides{20, 20, 100, 60});  // round the polygon
    CHECK(remarks_say(dataset, "dog (1)"));
    CHECK(remarks_say(dataset, "1 photo has no annotation"));
    CHECK(remarks_say(dataset, "an annotation without an object"));
  }
  folder.write("alone/a.txt", "0 0.5 0.5 0.5 0.25\n");
  folder.write("alone/classes.txt", "tench\ngolf ball\n");
  auto alone = photos_at(images, {"a.jpg"});
  evaluate::add_boxes(alone, folder / "alone", labelled());
  CHECK(alone.photos[0].label == 0);
}

TEST_CASE("YOLO's text files that are damaged are told with their line") {
  const auto refusal = [](const std::string& text, bool names = true) {
    const Folder folder;
    folder.write("l/a.txt", text);
    if (names) folder.write("l/classes.txt", "tench\ngolf ball\n");
    return message_of([&] {
      auto dataset = photos_at("/d", {"a.jpg"});
      evaluate::add_boxes(dataset, folder / "l", labelled());
    });
  };
  CHECK(refusal("0 0.5 0.5 0.5 0.25\n").empty());
  CHECK(says(refusal("0 0.5 0.5 0.5 0.25\n2 0.5 0.5 0.5 0.25\n"),
             "a.txt, line 2: expected the index of one of 2 classes"));
  CHECK(says(refusal("0.5 0.5 0.5 0.5 0.25\n"), "line 1: expected the index"));
  CHECK(says(refusal("-1 0.5 0.5 0.5 0.25\n"), "line 1: expected the index"));
  CHECK(says(refusal("0 50 50 20 20\n"), "expected fractions of the photo"));
  CHECK(says(refusal("0 0.5 0.5 0.5\n"), "found 4 words"));
  CHECK(says(refusal("0 0.5 0.5 nan 0.1\n"), "expected a number"));
  CHECK(says(refusal("0 0.5 0.5 -0.02 0.1\n"), "0 or more"));
  CHECK(says(refusal("0 0.5 0.5 0.5 0.25\n", false), "no names for their classes"));
}

TEST_CASE("ImageNet's lists of objects") {
  const Folder folder;
  const fs::path file = folder.write(
      "LOC_val_solution.csv",
      "ImageId,PredictionString\na,n03445777 11 21 110 220 n01440764 1 1 5 5 \nb,n09999999 1 2 3 4\n");
  auto dataset = photos_at("/d", {"a.JPEG", "b.JPEG"});
  evaluate::add_boxes(dataset, file, with_synsets());
  REQUIRE(dataset.photos.size() == 3);
  CHECK(dataset.photos[1].label == 1);
  CHECK(on(dataset.photos[1], 500, 375) == Sides{10, 20, 110, 220});
  auto unknown = photos_at("/d", {"a.JPEG"});
  CHECK(says(message_of([&] { evaluate::add_boxes(unknown, file, labelled()); }), "--synsets FILE"));
  const auto refusal = [&](const std::string& text) {
    const fs::path list = folder.write("x.csv", text);
    auto photos = photos_at("/d", {"a.JPEG"});
    return message_of([&] { evaluate::add_boxes(photos, list, with_synsets()); });
  };
  CHECK(says(refusal("ImageId,PredictionString\na,n03445777 11 21 110\n"),
             "line 2: expected a WordNet id and four numbers"));
  CHECK(says(refusal("ImageId,PredictionString\na,n03445777 11 21 1 220\n"), "left <= right"));
  CHECK(says(refusal("path,label\na,b\n"), "ImageId,PredictionString"));
  auto none = photos_at("/d", {"a.JPEG"});
  CHECK(says(message_of([&] { evaluate::add_boxes(none, folder / "nothing.json", labelled()); }),
             "COCO's instances"));
}

TEST_CASE("a list of photos is told from another by paths, labels and boxes") {
  const evaluate::DatasetPhoto photo{"a.jpg", "/here/a.jpg", 1, {{1, 2, 2, 2}}, {}};
  const auto sign = [](evaluate::DatasetPhoto one) { return evaluate::signature({{std::move(one)}, {}}); };
  auto moved = photo, other_path = photo, other_label = photo, other_box = photo, other_size = photo;
  other_size.drawn_in = {1, 1};
  moved.file = "/there/a.jpg";
  other_path.path = "b.jpg";
  other_label.label.reset();
  other_box.boxes[0].width = 4 - other_box.boxes[0].x;
  CHECK(sign(moved) == sign(photo));
  for (const auto& other : {other_path, other_label, other_box, other_size})
    CHECK(sign(other) != sign(photo));
}
