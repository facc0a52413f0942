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

/// A photo of a data set with its annotations.
struct DatasetPhoto {
  std::string path;            ///< relative to the data set, with '/'; independent of the data set's location
  std::filesystem::path file;  ///< its current location
  std::optional<std::int64_t> label;
  std::vector<PixelRectangle> boxes;  ///< around the label's objects
};

/// Photos in the order in which results are reported.
struct Dataset {
  std::vector<DatasetPhoto> photos;
  std::vector<std::string> remarks;  ///< the reader's decisions
};

/// The photos in a folder, labelled by their parent folders if these have class names. If no folder has one,
/// there are no labels; if only some have, throws an Error that names the others.
Dataset read_folder(std::span<const std::filesystem::path> files, const std::filesystem::path& folder,
                    const Model& model);

/// A CSV file with a header: `path` (relative to the CSV's folder), optionally `label`, and optionally boxes,
/// as `xmin,ymin,xmax,ymax` or `boxes` ("l t r b; l t r b"), in pixels, counted from 0, right and bottom one
/// beyond the last. Ignores other columns. Rows with the same path and label are one photo with several
/// boxes. Throws Error with the line.
Dataset read_csv(const std::filesystem::path& file, const Model& model);

/// Adds the boxes from a folder of PASCAL VOC XML files, matched by the photos' names (STEM.xml). A labelled
/// photo gets the boxes of its label's objects; a photo without a label becomes one photo per class in its
/// file. Photos without a file get no boxes; objects that match no class of the model are ignored. Throws
/// Error with the file's name.
void add_voc_boxes(Dataset& dataset, const std::filesystem::path& folder, const Model& model);

/// A hash of paths, labels and boxes that identifies a list of photos.
std::string signature(const Dataset& dataset);

}  // namespace ablaze::evaluate
