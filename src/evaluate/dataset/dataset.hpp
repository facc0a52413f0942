#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ablaze/evaluate.hpp>
#include <ablaze/model.hpp>

namespace ablaze::evaluate {

/// The picture that boxes are drawn in: its size in pixels; {1, 1} where they are fractions of the photo;
/// {0, 0} where they are in the photo's own pixels.
struct DrawnIn {
  double width = 0, height = 0;
  bool operator==(const DrawnIn&) const = default;
};

/// A photo of a data set with its annotations.
struct DatasetPhoto {
  std::string path;            ///< relative to the data set, with '/'; independent of the data set's location
  std::filesystem::path file;  ///< its current location
  std::optional<std::int64_t> label;
  std::vector<Rectangle> boxes;  ///< around the label's objects
  DrawnIn drawn_in;              ///< of the boxes
};

/// Photos in the order in which results are reported.
struct Dataset {
  std::vector<DatasetPhoto> photos;
  std::vector<std::string> remarks;  ///< the reader's decisions, and what it left out
};

/// The photos in a folder, labelled by their parent folders if these have class names or WordNet ids. If no
/// folder has one, there are no labels; if only some have, or if they are WordNet ids that the model does not
/// know, throws an Error that names them.
Dataset read_folder(std::span<const std::filesystem::path> files, const std::filesystem::path& folder,
                    const Model& model);

/// A CSV file (or one with semicolons or tabs) with a header: the photos' paths (relative to the CSV's
/// folder), optionally labels, and optionally boxes, as left, top, right and bottom (counted from 0, right
/// and bottom one beyond the last pixel), as a corner or the centre with width and height, or as `boxes`
/// ("l t r b; l t r b"); in pixels, or all as fractions of the photo. csv.cpp lists the columns' names. Rows
/// with the same path and label are one photo with several boxes. Throws Error with the line.
Dataset read_csv(const std::filesystem::path& file, const Model& model);

/// Adds the boxes of a photo's objects from
/// - a folder of PASCAL VOC's XML files, or of YOLO's text files, matched by the photos' names (STEM.xml);
/// - COCO's instances (.json), ImageNet's LOC_*.csv, YOLO's data.yaml (labels/ beside images/).
/// A labelled photo gets the boxes of its label's objects; a photo without a label becomes one photo per
/// class in its annotation. Photos and objects without a partner are counted in the remarks. Throws Error
/// with the file's name, also where no object is of a class of the model.
void add_boxes(Dataset& dataset, const std::filesystem::path& annotations, const Model& model);

/// The photo's boxes in the pixels of a photo of width x height, each of all pixels that it touches, and of
/// one at least; cut at the photo's edges where they reach slightly beyond. Throws Error where they were
/// drawn in a picture of another shape.
std::vector<PixelRectangle> boxes_on(const DatasetPhoto& photo, int width, int height);

/// A hash of paths, labels and boxes that identifies a list of photos.
std::string signature(const Dataset& dataset);

}  // namespace ablaze::evaluate
