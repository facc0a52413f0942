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

/// A feed-forward classifier as an ONNX file describes it.
struct OnnxNetwork {
  Graph graph;
  Activation activation =
      Activation::softmax;  ///< a Softmax or Sigmoid at the end is taken off, and told here
  Shape input;              ///< {N, C, H, W}; what is open in the file is 1, or 224 pixels
  std::vector<std::string> notes;
  std::optional<OnnxTensor>
      constant;  ///< OnnxOutput::anything: the output, where it is known before anything runs
};

/// What an import has to end in: a classifier's scores or, for tests of single operators, anything.
enum class OnnxOutput { scores, anything };

/// Translates the standard operators into the engine's. What is computed from constants and shapes alone is
/// computed here. Operators that the engine does not have are expressed by those that it has where that is
/// exact up to rounding: a concatenation is a sum of channel maps, a Clip a difference of two ReLUs. Layers
/// are called what the exporter's scopes call them ("layer4.1.conv2"). Throws Error naming the first operator
/// that there is no way to express.
OnnxNetwork import_onnx(const OnnxModel& model, const std::string& file,
                        OnnxOutput output = OnnxOutput::scores);

/// "/layer4/layer4.1/conv2/Conv" -> "layer4.1.conv2"; a call of no module gets its operator's name behind the
/// module that makes it ("layer4.1.add"). Empty where the exporter wrote no scopes.
std::string layer_name(std::string_view onnx_name, std::string_view op);

}  // namespace ablaze::formats
