// node_tests FOLDER: runs the ONNX project's backend tests of those single operators that ablaze imports, and
// prints how many ran and passed, and each skipped one with the reason. Exit status 1 if a result is wrong or
// suspiciously few ran, 77 if the folder does not exist.
//
// A test is a graph of one operator whose inputs are all free. A network's weights are constants, so the
// first input is the image here and the others become constants; two inputs of one shape become halves of an
// image. Images have four axes: inputs with fewer get leading axes of size 1 if the operator allows it, and
// rows [N, K] become N x K x 1 x 1.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ablaze/activation.hpp>
#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "base/files.hpp"
#include "formats/onnx/import.hpp"

namespace fs = std::filesystem;
using namespace ablaze;
using namespace ablaze::formats;

namespace {

constexpr double kLargestError = 1e-5;  // relative to the largest number of the expected output

const std::set<std::string_view> kOperators{"Conv",
                                            "BatchNormalization",
                                            "Relu",
                                            "Clip",
                                            "LeakyRelu",
                                            "Sigmoid",
                                            "HardSigmoid",
                                            "HardSwish",
                                            "Mul",
                                            "Add",
                                            "Sub",
                                            "Div",
                                            "MaxPool",
                                            "AveragePool",
                                            "Gemm",
                                            "GlobalAveragePool",
                                            "MatMul",
                                            "Flatten",
                                            "Reshape",
                                            "Transpose",
                                            "Concat",
                                            "Pad",
                                            "Dropout",
                                            "Identity",
                                            "Softmax",
                                            "LRN",
                                            "ReduceMean",
                                            "Squeeze",
                                            "Unsqueeze",
                                            "Split",
                                            "Slice",
                                            "Shape",
                                            "Gather",
                                            "Constant",
                                            "ConstantOfShape",
                                            "Sum",
                                            "Pow",
                                            "Sqrt",
                                            "Reciprocal",
                                            "Elu",
                                            "Selu",
                                            "Celu",
                                            "Tanh",
                                            "Softplus",
                                            "Mish",
                                            "Gelu",
                                            "Erf",
                                            "Abs",
                                            "Neg",
                                            "PRelu",
                                            "GlobalMaxPool",
                                            "ReduceMax",
                                            "ReduceSum",
                                            "LayerNormalization",
                                            "Max",
                                            "Min",
                                            "Expand"};
/// Elementwise operators.
const std::set<std::string_view> kPointwise{
    "Relu",     "Clip", "LeakyRelu", "Sigmoid",    "HardSigmoid", "HardSwish", "Mul", "Add",  "Sub",  "Div",
    "Sum",      "Pow",  "Sqrt",      "Reciprocal", "Identity",    "Dropout",   "Elu", "Selu", "Celu", "Tanh",
    "Softplus", "Mish", "Gelu",      "Erf",        "Abs",         "Neg",       "Max", "Min"};
const std::set<std::string_view> kTwoFlows{"Mul", "Add", "Sub", "Div", "Sum", "Max", "Min"};

/// A test that does not apply to ablaze, with the reason.
struct LeftOut {
  std::string reason;
};

const OnnxExternals kNoOthers = [](std::string_view) -> OnnxExternal {
  throw LeftOut{"numbers in another file"};
};

OnnxTensor read_tensor(const fs::path& file) {
  const auto mapped = base::MappedFile::open(file);
  return parse_onnx_tensor(mapped->bytes(), mapped, file.string());
}

class NodeTest {
 public:
  explicit NodeTest(const fs::path& folder)
      : folder_(folder),
        name_(folder.filename().string()),
        bytes_(of_known_opset(folder / "model.onnx")),
        model_(parse_onnx(bytes_, nullptr, kNoOthers, name_)) {}

  bool concerns_us() const {
    return model_.nodes.size() == 1 && model_.nodes[0].domain.empty() &&
           kOperators.contains(model_.nodes[0].op);
  }

  /// The largest error relative to the largest expected number.
  double run() {
    for (std::size_t i = 0; i < model_.inputs.size(); ++i)
      inputs_.push_back(read_tensor(folder_ / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb")));
    prepare();
    const OnnxNetwork network = import_onnx(model_, name_, {.output = OnnxImport::Output::anything});
    const OnnxTensor expected = read_tensor(folder_ / "test_data_set_0/output_0.pb");
    if (network.constant) return distance(values_of(*network.constant), values_of(expected));
    SessionOptions options;
    options.input = picture_.shape();
    const Tensor found = Session(network.graph, options).run(picture_).logits();
    std::vector<double> values(found.values().begin(), found.values().end());
    if (model_.nodes.back().op == "Softmax") values = rows_of_probabilities(found);
    return distance(values, values_of(expected));
  }

 private:
  /// Some tests name the opset that introduced their operator, older than the importer supports; the
  /// operator's meaning is unchanged.
  static std::vector<std::byte> of_known_opset(const fs::path& file) {
    const auto mapped = base::MappedFile::open(file);
    std::vector<std::byte> bytes(mapped->bytes().begin(), mapped->bytes().end());
    constexpr std::byte oldest{9}, import[] = {std::byte{0x42}, std::byte{2}, std::byte{0x10}};
    const std::size_t size = bytes.size();
    if (size > 4 && std::equal(std::begin(import), std::end(import), bytes.end() - 4) &&
        bytes[size - 1] < oldest)
      bytes[size - 1] = oldest;
    return bytes;
  }

  static std::vector<double> values_of(const OnnxTensor& tensor) {
    if (!tensor.floats) return {tensor.integers.begin(), tensor.integers.end()};
    const Tensor numbers = tensor.floats.to_tensor();
    return {numbers.values().begin(), numbers.values().end()};
  }

  static double distance(const std::vector<double>& found, const std::vector<double>& expected) {
    if (found.size() != expected.size()) return INFINITY;
    double largest = 1e-30, error = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      const double off = std::abs(found[i] - expected[i]);
      error = std::isnan(off) ? INFINITY : std::max(error, off);
    }
    return error / largest;
  }

  static std::vector<double> rows_of_probabilities(const Tensor& logits) {
    std::vector<double> all;
    const auto columns = static_cast<std::size_t>(logits.dim(1));
    for (std::int64_t row = 0; row < logits.dim(0); ++row) {
      const auto one = probabilities(
          logits.values().subspan(static_cast<std::size_t>(row) * columns, columns), Activation::softmax);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

  std::string_view op() const { return model_.nodes.front().op; }

  void prepare() {
    if (inputs_.empty()) return;
    if (!inputs_[0].floats) {
      if (op() == "ConstantOfShape" || op() == "Shape") return all_constant();
      throw LeftOut{"its numbers are no floats, or there are none"};
    }
    if (op() == "Constant" || op() == "Gather") return all_constant();
    if (op() == "Shape") return;
    const bool pointwise = kPointwise.contains(op());
    const bool halves =
        kTwoFlows.contains(op()) && inputs_.size() > 1 &&
        std::ranges::all_of(inputs_, [&](const auto& i) { return i.shape == inputs_[0].shape && i.floats; });
    if (inputs_[0].shape.size() != 4 && inputs_[0].shape.size() != 2 && !pointwise)
      throw LeftOut{"rank " + std::to_string(inputs_[0].shape.size()) +
                    ": the engine takes pictures and rows"};
    if (halves) return as_parts_of_a_picture();
    if (op() == "Concat") throw LeftOut{"it concatenates rows"};
    for (std::size_t i = 1; i < inputs_.size(); ++i)
      model_.initializers.emplace(model_.inputs[i].name, inputs_[i]);
    picture_ = inputs_[0].floats.to_tensor();
    if (pointwise) {
      picture_ = reshaped(picture_, four_axes(picture_.shape()));
    } else if (picture_.shape().size() == 2) {
      picture_ = reshaped(picture_, {picture_.dim(0), picture_.dim(1), 1, 1});
      flatten_first();
    }
    model_.inputs[0].shape = picture_.shape();
  }

  void all_constant() {
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      model_.initializers.emplace(model_.inputs[i].name, inputs_[i]);
    model_.inputs = {{"picture", {1, 1, 1, 1}}};
  }

  static Shape four_axes(Shape shape) {
    if (shape.size() > 4) throw LeftOut{"it has five axes"};
    shape.insert(shape.begin(), 4 - shape.size(), 1);
    return shape;
  }

  static Tensor reshaped(const Tensor& from, const Shape& shape) { return {shape, from.values()}; }

  /// [1, sum of C, H, W], which a Split separates again.
  void as_parts_of_a_picture() {
    const Shape shape = four_axes(inputs_[0].shape);
    if (shape[0] != 1) throw LeftOut{"two batches"};
    std::vector<float> all;
    OnnxNode split;
    split.op = "Split";
    split.inputs = {"picture"};
    split.attributes["axis"].integer = 1;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor part = inputs_[i].floats.to_tensor();
      all.insert(all.end(), part.values().begin(), part.values().end());
      split.outputs.push_back(model_.inputs[i].name);
    }
    const auto parts = static_cast<std::int64_t>(inputs_.size());
    picture_ = Tensor({1, shape[1] * parts, shape[2], shape[3]}, all);
    model_.nodes.insert(model_.nodes.begin(), split);
    model_.inputs = {{"picture", picture_.shape()}};
  }

  void flatten_first() {
    OnnxNode flatten;
    flatten.op = "Flatten";
    flatten.inputs = {"picture"};
    flatten.outputs = {model_.inputs[0].name};
    model_.nodes.insert(model_.nodes.begin(), flatten);
    model_.inputs[0].name = "picture";
  }

  fs::path folder_;
  std::string name_;
  std::vector<std::byte> bytes_;
  OnnxModel model_;
  std::vector<OnnxTensor> inputs_;
  Tensor picture_;
};

struct Tally {
  std::set<std::string> passed;
  int failed = 0, others = 0;
  std::map<std::string, std::string> left_out;
};

/// Unreadable files belong to operators of other domains, which are out of scope.
std::optional<NodeTest> open_test(const fs::path& folder) {
  try {
    NodeTest test(folder);
    if (test.concerns_us()) return test;
  } catch (const Error&) {
  }
  return std::nullopt;
}

void run_one(const fs::path& folder, Tally& tally) {
  const std::string name = folder.filename().string();
  std::optional<NodeTest> test = open_test(folder);
  if (!test) {
    ++tally.others;
    return;
  }
  try {
    const double error = test->run();
    if (error <= kLargestError) {
      tally.passed.insert(name);
    } else {
      ++tally.failed;
      std::printf("FAILED %s: error %.2g\n", name.c_str(), error);
    }
  } catch (const LeftOut& left_out) {
    tally.left_out[name] = left_out.reason;
  } catch (const Error& error) {
    const std::string what = error.what();
    tally.left_out[name] = what.substr(what.find(": ") + 2);
  }
}

std::vector<std::string> names_in(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) names.push_back(line);
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: test_onnx_nodes FOLDER LIST-OF-THOSE-THAT-PASS\n");
    return 2;
  }
  if (!fs::is_directory(argv[1])) {
    std::printf("skipped: no folder %s (Debian: apt-get install libonnx-testdata)\n", argv[1]);
    return 77;
  }
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(argv[1])) folders.push_back(entry.path());
  std::ranges::sort(folders);
  Tally tally;
  for (const fs::path& folder : folders) run_one(folder, tally);
  for (const std::string& name : names_in(argv[2])) {
    // Another release of ONNX may lack one, but none that exists may be refused.
    if (tally.passed.contains(name) || !fs::is_directory(fs::path(argv[1]) / name)) continue;
    ++tally.failed;
    std::printf("FAILED %s: it passed before\n", name.c_str());
  }
  std::printf("%zu node tests ran and passed, %d failed, %zu were left out (and %d of other operators):\n",
              tally.passed.size(), tally.failed, tally.left_out.size(), tally.others);
  for (const auto& [name, reason] : tally.left_out) std::printf("  %s: %s\n", name.c_str(), reason.c_str());
  if (std::getenv("ABLAZE_LIST_PASSED") != nullptr) {
    for (const std::string& name : tally.passed) std::printf("%s\n", name.c_str());
  }
  return tally.failed > 0 || tally.passed.empty() ? 1 : 0;
}
