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

/// A photo of a data set, and what the data set says of it.
struct DatasetPhoto {
  std::string path;            ///< within the data set, with '/': the same wherever the data set lies
  std::filesystem::path file;  ///< where it is now
  std::optional<std::int64_t> label;
  std::vector<Box> boxes;  ///< round the label's objects
};

/// Photos in the order in which results are reported.
struct Dataset {
  std::vector<DatasetPhoto> photos;
  std::vector<std::string> remarks;  ///< what its reader had to decide
};

/// Photos in a folder: labelled by the folders that they lie in where these are called as classes are. Where
/// no folder is, there are no labels; where only some are, that is an Error, which names the others.
Dataset read_folder(std::span<const std::filesystem::path> files, const std::filesystem::path& folder,
                    const Model& model);

/// A CSV file with a header: `path` (relative to the CSV's folder), and where there are labels `label`, and
/// where there are boxes either `xmin,ymin,xmax,ymax` or `boxes` ("l t r b; l t r b"), in pixels, counted
/// from 0, right and bottom one beyond the last. Other columns are passed over. Rows of one path and label
/// are one photo with several boxes. Throws Error naming the line.
Dataset read_csv(const std::filesystem::path& file, const Model& model);

/// Adds the boxes of a folder of PASCAL VOC's XML files, found by the photos' names (STEM.xml). Of a labelled
/// photo these are the boxes of its label's objects; a photo without a label becomes one for each class that
/// is on it. Photos without a file have no boxes; objects that no class of the model is called after are
/// passed over. Throws Error naming the file.
void add_voc_boxes(Dataset& dataset, const std::filesystem::path& folder, const Model& model);

/// What tells one list of photos from another: paths, labels and boxes, hashed.
std::string signature(const Dataset& dataset);

}  // namespace ablaze::evaluate
