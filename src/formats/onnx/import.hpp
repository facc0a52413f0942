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
  Shape input;  ///< {N, C, H, W}; open axes of the file become 1, or 224 pixels
  std::vector<std::string> notes;
  std::optional<OnnxTensor> constant;  ///< OnnxOutput::anything: the output, if it is constant
};

/// The required output: a classifier's scores or, for tests of single operators, anything.
enum class OnnxOutput { scores, anything };

/// Translates the standard operators into the engine's and folds constant expressions. Operators that the
/// engine lacks are expressed by others where that is exact up to rounding: a concatenation is a sum of
/// channel maps, a Clip a difference of two ReLUs. Layer names follow the exporter's scopes
/// ("layer4.1.conv2"). Throws Error naming the first operator that cannot be expressed.
OnnxNetwork import_onnx(const OnnxModel& model, const std::string& file,
                        OnnxOutput output = OnnxOutput::scores);

/// "/layer4/layer4.1/conv2/Conv" -> "layer4.1.conv2"; a function call outside any module is named by its
/// operator after the calling module ("layer4.1.add"). Empty where the exporter wrote no scopes.
std::string layer_name(std::string_view onnx_name, std::string_view op);

}  // namespace ablaze::formats
