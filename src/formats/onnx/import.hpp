#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/activation.hpp>
#include <ablaze/graph.hpp>

#include "formats/onnx/onnx.hpp"

namespace ablaze::formats {

/// A feed-forward classifier read from an ONNX file.
struct OnnxNetwork {
  Graph graph;
  Activation activation = Activation::softmax;  ///< a final Softmax or Sigmoid is removed and recorded here
  Shape input;                  ///< {N, C, H, W}; open axes of the file become 1, or OnnxImport's size
  bool reads_its_size = false;  ///< the file computes with its input's height or width
  bool whole_numbers = false;   ///< the file's input is integers: pixels from 0 to 255
  std::vector<std::string> notes;
  std::optional<OnnxTensor> constant;  ///< OnnxImport::Output::anything: the output, if it is constant
};

/// How to import.
struct OnnxImport {
  enum class Output { scores, anything };
  Output output = Output::scores;  ///< the required output: a classifier's scores, or (for tests) anything
  /// The input's size; 0: the file's own, or 224 where it leaves that open.
  std::int64_t height = 0, width = 0;
};

/// Translates the standard operators into the engine's and folds constant expressions. Operators that the
/// engine lacks are expressed by others where that is exact up to rounding: a concatenation is a sum of
/// channel maps. Layer names follow the exporter's scopes ("layer4.1.conv2"). Throws Error naming what the
/// network is, where that is known, or the first operator that cannot be expressed.
OnnxNetwork import_onnx(const OnnxModel& model, const std::string& file, const OnnxImport& how = {});

/// "/layer4/layer4.1/conv2/Conv" -> "layer4.1.conv2"; a function call outside any module is named by its
/// operator after the calling module ("layer4.1.add"). Empty where the exporter wrote no scopes.
std::string layer_name(std::string_view onnx_name, std::string_view op);

/// The same from the scopes of PyTorch's newer exporter: "['', 'layer1', 'layer1.0', 'layer1.0.conv1',
/// 'conv2d']".
std::string layer_name_of_scopes(std::string_view scopes, std::string_view op);

}  // namespace ablaze::formats
