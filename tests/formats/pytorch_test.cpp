#include "formats/pytorch/pytorch.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "builders.hpp"
#include "support/shared_data.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;
using namespace ablaze::testing::pickled;

namespace {

/// Element i is i / 8, as in make_fixtures.py.
std::vector<float> eighths(int count) {
  std::vector<float> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(static_cast<float>(i) / 8);
  return numbers;
}

std::set<std::string> names(const TensorFile& file) {
  std::set<std::string> found;
  for (const auto& [name, weight] : file.tensors) found.insert(name);
  return found;
}

const std::string twelve = storage("FloatStorage", "0", 12);

/// The error message for a state dict with one tensor.
std::string refused_value(const std::string& value) { return refusal(pytorch(whole(dict({{"a", value}})))); }

/// A file in memory. Its bytes are kept: the tensors are views of them.
TensorFile parsed(const std::string& file, const std::string& under = {}) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(to_bytes(file));
  return parse_tensor_file(*bytes, bytes, "model", under);
}

std::string refused_under(const std::string& file, const std::string& under) {
  return message_of([&] { parsed(file, under); });
}

/// A dictionary of `count` tensors, whose first number is `first`.
std::string weights(int count, int first = 0) {
  std::vector<std::pair<std::string, std::string>> items;
  for (int i = 0; i < count; ++i)
    items.emplace_back("layer" + std::to_string(i) + ".weight", tensor(twelve, first, {2}, {1}));
  return dict(items);
}

/// An object of a class with attributes, as pickle writes it.
std::string object(const std::string& module, const std::string& type, const std::string& attributes) {
  return global(module, type) + ")\x81" + attributes + "b";
}

std::string torch_module(const std::string& parameters, const std::string& buffers,
                         const std::string& modules, const std::string& hidden = "\x8f") {
  return object("models", "Net",
                dict({{"_parameters", parameters},
                      {"_buffers", buffers},
                      {"_non_persistent_buffers_set", hidden},
                      {"_modules", modules}}));
}

const std::set<std::string> net{"bn.bias",   "bn.running_mean", "bn.running_var",
                                "bn.weight", "conv.bias",       "conv.weight"};

}  // namespace

TEST_CASE("pytorch: a state dict with every kind of tensor, in two pickle protocols and two forms") {
  for (const char* const fixture :
       {"formats/kinds.pth", "formats/kinds-protocol4.pth", "formats/kinds-legacy.pth"}) {
    CAPTURE(fixture);
    const TensorFile file = read_pytorch(test_data(fixture));
    CHECK(names(file) == std::set<std::string>{"again", "bf16", "columns", "empty", "f16", "f32", "f64",
                                               "parameter", "rows", "scalar", "transposed"});
    const auto is = [&](const char* name, DType dtype, const Shape& shape,
                        const std::vector<float>& expected) {
      CAPTURE(name);
      const Weight& weight = file.tensors.at(name);
      CHECK(weight.dtype() == dtype);
      CHECK(weight.shape() == shape);
      CHECK(values(weight) == expected);
    };
    is("f32", DType::f32, {2, 3}, eighths(6));
    is("f16", DType::f16, {3, 2}, eighths(6));
    is("bf16", DType::bf16, {4}, eighths(4));
    is("f64", DType::f32, {5}, eighths(5));
    is("parameter", DType::f32, {2, 2}, eighths(4));
    is("scalar", DType::f32, {}, {0.5F});
    is("empty", DType::f32, {0, 3}, {});
    is("again", DType::f32, {4, 6}, eighths(24));
    is("rows", DType::f32, {2, 6},
       {0.75F, 0.875F, 1, 1.125F, 1.25F, 1.375F, 1.5F, 1.625F, 1.75F, 1.875F, 2, 2.125F});
    is("columns", DType::f32, {4, 2}, {0.25F, 0.375F, 1, 1.125F, 1.75F, 1.875F, 2.5F, 2.625F});
    std::vector<float> transposed;
    for (int column = 0; column < 6; ++column)
      for (int row = 0; row < 4; ++row) transposed.push_back(static_cast<float>(row * 6 + column) / 8);
    is("transposed", DType::f32, {6, 4}, transposed);
  }
}

TEST_CASE("pytorch: contiguous tensors are views of the mapped file") {
  const auto mapped = base::MappedFile::open(test_data("formats/kinds.pth"));
  const TensorFile file = parse_pytorch(mapped->bytes(), mapped, "kinds.pth");
  for (const char* const name : {"f32", "f16", "bf16", "rows", "again"}) {
    const auto view = file.tensors.at(name).bytes();
    CHECK(view.data() >= mapped->bytes().data());
    CHECK(view.data() + view.size() <= mapped->bytes().data() + mapped->bytes().size());
  }
  CHECK(file.tensors.at("rows").bytes().data() ==
        file.tensors.at("again").bytes().data() + 6 * sizeof(float));
}

TEST_CASE("pytorch: the state dict is found inside a module's own, and inside a training checkpoint") {
  const TensorFile module = read_pytorch(test_data("formats/module.pth"));
  CHECK(names(module) == net);
  CHECK(values(module.tensors.at("conv.weight")) == eighths(18));
  CHECK(module.notes.empty());
  // The optimizer's tensors are ignored.
  const TensorFile checkpoint = read_pytorch(test_data("formats/checkpoint.pth"));
  CHECK(names(checkpoint).size() == net.size());
  CHECK(values(checkpoint.tensors.at("module.conv.weight")) == eighths(18));
  CHECK(checkpoint.notes == std::vector<std::string>{"using the weights under 'state_dict'"});
}

TEST_CASE("pytorch: what training scripts keep beside the weights does not matter") {
  for (const char* const fixture : {"formats/scripts.pth", "formats/scripts-legacy.pth"}) {
    const TensorFile file = read_pytorch(test_data(fixture));
    CHECK(names(file) == net);
    CHECK(file.notes ==
          std::vector<std::string>{"using the weights under 'model' (found others under 'model_ema'; --under "
                                   "KEY chooses them)"});
  }
}

TEST_CASE("pytorch: the zip form and the legacy form give the same bits") {
  const std::vector<std::pair<const char*, const char*>> pairs{
      {"formats/kinds.pth", "formats/kinds-legacy.pth"},
      {"formats/scripts.pth", "formats/scripts-legacy.pth"}};
  for (const auto& [zip_form, legacy_form] : pairs) {
    const TensorFile a = read_tensor_file(test_data(zip_form)), b = read_tensor_file(test_data(legacy_form));
    REQUIRE(names(a) == names(b));
    for (const auto& [key, weight] : a.tensors) {
      const std::string name = key;  // a structured binding cannot be captured with clang 14
      CAPTURE(name);
      const Weight& other = b.tensors.at(name);
      CHECK(weight.dtype() == other.dtype());
      CHECK(weight.shape() == other.shape());
      CHECK(std::ranges::equal(weight.bytes(), other.bytes()));
    }
  }
}

TEST_CASE("pytorch: a legacy file's storages must be there and whole") {
  const std::string head = whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + whole(integer(1001)) +
                           whole(dict({{"little_endian", "\x88"}}));
  const std::string object = whole(dict({{"a", tensor(storage("FloatStorage", "7", 2), 0, {2}, {1})}}));
  const std::string keys = whole("](" + text("7") + "e");
  const std::string two = raw(std::uint64_t{2}) + floats({1, 2});
  CHECK(refusal(head + object + keys + two).empty());
  CHECK(says(refusal(head + object + keys + two.substr(0, 15)), "truncated"));
  CHECK(says(refusal(head + object + keys + raw(~std::uint64_t{0}) + floats({1, 2})), "truncated"));
  CHECK(says(refusal(head + object + keys), "ends too early"));
  CHECK(says(refusal(head + object + whole("]") + two), "no storage '7'"));
  CHECK(says(refusal(head + object + whole("](" + text("8") + "e") + two), "no tensor names"));
  CHECK(says(refusal(head + object + whole("N") + two), "list of storages is nothing"));
  CHECK(says(refusal(head + object + keys + raw(std::uint64_t{1}) + floats({1, 2})), "has only 4 bytes"));
  // torch.save(model) puts the class first: ("module", its type, its file, its source).
  const std::string module = whole("(" + text("module") + global("__main__", "Net") + "NNtQ");
  CHECK(says(refusal(head + module + whole("]")), "'__main__.Net'"));
  const std::string unknown = whole(dict({{"a", tensor(storage("OddStorage", "7", 2), 0, {2}, {1})}}));
  CHECK(says(refusal(head + unknown + keys + two), "'torch.OddStorage'"));
  const std::string magic = head.substr(0, 15);
  CHECK(says(refusal(magic + whole(integer(1002))), "version 1002"));
  CHECK(says(refusal(magic + whole(integer(1001)) + whole(dict({{"little_endian", "\x89"}}))), "big-endian"));
}

TEST_CASE("pytorch: other files of torch.save and torch.jit are refused with what to do") {
  const auto refused_file = [](const char* name) {
    return message_of([&] { read_tensor_file(test_data(name)); });
  };
  CHECK(says(refused_file("formats/torchscript.pt"), "TorchScript"));
  CHECK(says(refused_file("formats/one-tensor.pth"), "a tensor, not a state dict"));
  CHECK(says(refused_file("formats/no-tensors.pth"), "its first keys are epoch and loss"));
}

TEST_CASE("pytorch: a pickle that names os.system is refused, and nothing runs") {
  const TemporaryDirectory folder;
  const std::string trace = (folder / "was-here").string();
  const std::string attack = global("os", "system") + text("touch " + trace) + "\x85R";
  for (const std::string& pickle : std::vector<std::string>{whole(attack), whole(dict({{"a", attack}}))}) {
    const std::string error = refusal(pytorch(pickle));
    CHECK(says(error, "'os.system'"));
    CHECK(says(error, "nothing of them was executed"));
  }
  // Beside the weights it is not in the way, but said.
  const TensorFile file = parsed(pytorch(whole(dict({{"a", tensor(twelve, 0, {12}, {1})}, {"b", attack}}))));
  CHECK(names(file) == std::set<std::string>{"a"});
  REQUIRE(file.notes.size() == 1);
  CHECK(says(file.notes[0], "'os.system', which runs programs when PyTorch opens the file"));
  CHECK_FALSE(std::filesystem::exists(trace));
  // Nor after a zip archive.
  CHECK(says(refusal(whole(attack)), "bare pickle"));
}

TEST_CASE("pytorch: every element of a tensor must lie in its storage") {
  CHECK(refused_value(tensor(twelve, 0, {3, 4}, {4, 1})).empty());
  CHECK(refused_value(tensor(twelve, 11, {1, 1}, {1'000'000, 1})).empty());  // an unused stride
  CHECK(refused_value(tensor(twelve, 100, {0}, {1})).empty());
  const std::int64_t huge = std::int64_t{1} << 62;
  for (const std::string& value : std::vector<std::string>{
           tensor(twelve, 1, {3, 4}, {4, 1}),
           tensor(twelve, 0, {13}, {1}),
           tensor(twelve, 12, {1}, {1}),
           tensor(twelve, 0, {3, 4}, {5, 1}),
           tensor(twelve, 0, {2}, {huge}),
           tensor(twelve, 0, {huge}, {1}),
           tensor(twelve, 0, {huge / 4, 2}, {huge, huge}),
           tensor(twelve, huge, {2}, {1}),
       })
    CHECK(says(refused_value(value), "outside its storage"));
  CHECK(says(refused_value(tensor(twelve, 0, {huge, 4}, {0, 0})), "strides that do not fit"));
  CHECK(says(refused_value(tensor(twelve, -1, {2}, {1})), "strides that do not fit"));
  CHECK(says(refused_value(tensor(twelve, 0, {2, 2}, {1})), "strides that do not fit"));
  CHECK(says(refused_value(tensor(twelve, 0, {-2}, {1})), "no natural number"));
  CHECK(says(refused_value(tensor(twelve, 0, {2}, {-1})), "no natural number"));
  CHECK(says(
      refused_value(tensor(twelve, 0, std::vector<std::int64_t>(17, 1), std::vector<std::int64_t>(17, 1))),
      "17 axes"));
}

TEST_CASE("pytorch: storages must be there and as large as the pickle says") {
  CHECK(says(refused_value(tensor(storage("FloatStorage", "0", 13), 0, {1}, {1})), "has only 48 bytes"));
  CHECK(says(refused_value(tensor(storage("DoubleStorage", "0", 12), 0, {1}, {1})), "has only 48 bytes"));
  CHECK(says(refused_value(tensor(storage("FloatStorage", "0", std::int64_t{1} << 62), 0, {1}, {1})),
             "has only 48 bytes"));
  CHECK(says(refused_value(tensor(storage("FloatStorage", "7", 12), 0, {1}, {1})), "no entry 'net/data/7'"));
  CHECK(says(refused_value(tensor(storage("FloatStorage", "../data.pkl", 1), 0, {1}, {1})), "no entry"));
  CHECK(says(refused_value(tensor(storage("QInt8Storage", "0", 12), 0, {1}, {1})), "'torch.QInt8Storage'"));
}

TEST_CASE("pytorch: a small file cannot describe tensors without end") {
  CHECK(refused_value(tensor(twelve, 0, {2, 12}, {0, 1})) == "");
  CHECK(says(refused_value(tensor(twelve, 0, {1'000'000'000, 12}, {0, 1})), "beyond reason"));
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 100; ++i) many.emplace_back(std::to_string(i), tensor(twelve, 0, {10'000, 2}, {0, 1}));
  CHECK(says(refusal(pytorch(whole(dict(many)))), "beyond reason"));
}

TEST_CASE("pytorch: storages are shared, but not without end") {
  constexpr int elements = 100'000;
  const auto sharing = [&](int tensors) {
    std::vector<std::pair<std::string, std::string>> items;
    const std::string all = storage("FloatStorage", "0", elements);
    for (int i = 0; i < tensors; ++i) items.emplace_back(std::to_string(i), tensor(all, 0, {elements}, {1}));
    return refusal(pytorch(whole(dict(items)), elements));
  };
  CHECK(sharing(4).empty());
  CHECK(says(sharing(12), "beyond reason"));
}

TEST_CASE("pytorch: dictionaries in circles end") {
  // d = {}; d["model"] = d
  CHECK(says(refusal(pytorch("\x80\x02}q\x01" + text("model") + "h\x01s.")), "without PyTorch tensors"));
  // A dictionary of options under a common name for weights.
  const TensorFile file = [&] {
    static const auto bytes = to_bytes(
        pytorch(whole(dict({{"params", dict({{"lr", "N"}})}, {"a", tensor(twelve, 0, {12}, {1})}}))));
    return parse_pytorch(bytes, nullptr, "model");
  }();
  CHECK(names(file) == std::set<std::string>{"a"});
}

TEST_CASE("pytorch: weights lie as deep in dictionaries as trainers put them") {
  std::string weights = dict({{"a", tensor(twelve, 0, {12}, {1})}});
  for (const std::string outer :
       {"state_dict", "module", "ema", "model", "checkpoint", "weights", "student"}) {
    weights = dict({{outer, weights}, {"epoch", "N"}});
    const auto bytes = to_bytes(pytorch(whole(weights)));
    CHECK(names(parse_pytorch(bytes, nullptr, "model")) == std::set<std::string>{"a"});
  }
}

TEST_CASE("pytorch: one of several networks is chosen by name") {
  const std::string file = pytorch(whole(dict({{"student", dict({{"backbone", weights(4)}})},
                                               {"teacher", dict({{"backbone", weights(4, 5)}})},
                                               {"optimizer", dict({{"state", weights(9)}})},
                                               {"epoch", "K\x05"}})));
  const std::string error = refusal(file);
  CHECK(says(error, "several networks: 'student.backbone' (4 tensors) and 'teacher.backbone' (4 tensors)"));
  CHECK(says(error, "--under KEY"));
  for (const char* key : {"teacher", "teacher.backbone"})
    CHECK(values(parsed(file, key).tensors.at("layer0.weight")) == std::vector<float>{5, 6});
  CHECK(values(parsed(file, "student").tensors.at("layer0.weight")) == std::vector<float>{0, 1});
  CHECK(parsed(file, "teacher.backbone.layer1").under == "layer1");
  CHECK(says(refused_under(file, "nobody"), "several networks"));
  CHECK(parsed(file, "teacher").choices == std::vector<std::string>{"student.backbone", "teacher.backbone"});
}

TEST_CASE("pytorch: averages give way to the weights, and small dictionaries to large ones") {
  for (const char* average : {"ema", "params_ema", "modelEMA", "ema_state_dict", "swa_model", "averaged"}) {
    const TensorFile file = parsed(pytorch(whole(dict({{average, weights(3, 7)}, {"net_g", weights(3)}}))));
    CHECK(values(file.tensors.at("layer0.weight")) == std::vector<float>{0, 1});
    REQUIRE(file.notes.size() == 1);
    CHECK(says(file.notes[0], average));
  }
  for (const char* plain : {"experiment", "gradcam_net", "swapped", "opticalflow"})
    CHECK(parsed(pytorch(whole(dict({{plain, weights(3)}, {"optimizer", weights(3)}})))).notes.at(0) ==
          "using the weights under '" + std::string(plain) + "'");
  CHECK(parsed(pytorch(whole(dict({{"loss_net", weights(3)}, {"epoch", "N"}})))).tensors.size() == 3);
  CHECK(says(refusal(pytorch(whole(dict({{"semantic", weights(3)}, {"other", weights(3)}})))), "several"));
  const TensorFile file = parsed(pytorch(whole(dict({{"net", weights(5)}, {"proxies", weights(2)}}))));
  CHECK(file.tensors.size() == 5);
  REQUIRE(file.notes.size() == 2);
  CHECK(file.notes[1] == "left out 2 tensors in 'proxies'");
  // The same dictionary under two keys is one network.
  CHECK(parsed(pytorch("\x80\x02}(" + text("a") + weights(2) + "q\x01" + text("b") + "h\x01u."))
            .tensors.size() == 2);
}

TEST_CASE("pytorch: a body and its head may be dictionaries side by side") {
  const std::string head =
      dict({{"weight", tensor(twelve, 0, {2}, {1})}, {"bias", tensor(twelve, 0, {1}, {1})}});
  const TensorFile file = parsed(pytorch(whole(dict({{"backbone", weights(5)}, {"fc", head}}))));
  CHECK(file.tensors.contains("fc.weight"));
  CHECK(file.tensors.size() == 7);
  REQUIRE(file.notes.size() == 1);
  CHECK(says(file.notes[0], "with the head under 'fc'"));
}

TEST_CASE("pytorch: weights in objects and lists are reached through their attributes and items") {
  for (const std::string& value :
       std::vector<std::string>{object("train", "State", dict({{"model", weights(2)}, {"step", "K\x01"}})),
                                global("addict.addict", "Dict") + ")\x81(" + text("model") + weights(2) + "u",
                                "(" + weights(2) + "K\x01t", "](K\x01" + weights(2) + "e"})
    CHECK(parsed(pytorch(whole(value))).tensors.size() == 2);
  const std::string error =
      refusal(pytorch(whole(dict({{"model", global("functools", "partial") + weights(2) + "\x85R"}}))));
  CHECK(says(error, "'model' is of the type 'functools.partial'"));
}

TEST_CASE("pytorch: a whole pickled module is read as its state dict") {
  const TensorFile fixture = read_pytorch(test_data("formats/whole-module.pth"));
  CHECK(names(fixture) == net);
  REQUIRE(fixture.notes.size() == 1);
  CHECK(says(fixture.notes[0], "'__main__.Net'"));
  const std::string one = tensor(twelve, 0, {2}, {1});
  const std::string inner =
      torch_module(dict({{"weight", one}, {"bias", "N"}}), dict({{"mean", one}, {"anchors", one}}), "}",
                   "\x8f(" + text("anchors") + "\x90");
  const std::string outer = torch_module("}", "}", dict({{"0", inner}, {"1", "N"}}));
  CHECK(names(parsed(pytorch(whole(outer)))) == std::set<std::string>{"0.weight", "0.mean"});
  CHECK(names(parsed(pytorch(whole(dict({{"model", outer}}))))) ==
        std::set<std::string>{"0.weight", "0.mean"});
  // m._modules = {"m": m}
  const std::string circle =
      "\x80\x02" + global("models", "Net") + ")\x81q\x01" +
      dict({{"_parameters", dict({{"a", one}})}, {"_modules", dict({{"m", "h\x01"}})}}) + "b.";
  CHECK(says(refusal(pytorch(circle)), "nested without end"));
}

TEST_CASE("pytorch: a weight that is no dense float tensor is refused by its name") {
  const std::string quantised = global("torch._utils", "_rebuild_qtensor") + ")R";
  const std::string sparse = global("torch._utils", "_rebuild_sparse_tensor") + ")R";
  const std::string array = global("numpy.core.multiarray", "_reconstruct") + ")R";
  const auto beside = [&](const std::string& value) {
    return refusal(pytorch(whole(dict({{"a.weight", tensor(twelve, 0, {2}, {1})}, {"b.weight", value}}))));
  };
  CHECK(says(beside(quantised), "'b.weight' is a quantised tensor"));
  CHECK(says(beside(sparse), "'b.weight' is a sparse tensor"));
  CHECK(says(beside(array), "'b.weight' is an object of NumPy"));
  // PyTorch 2 marks a tensor whose numbers are stored negated.
  std::string negated = tensor(twelve, 0, {2}, {1});
  negated.insert(negated.size() - 2, dict({{"neg", "\x88"}}));
  CHECK(says(beside(negated), "'b.weight' is a tensor of a kind that is not read"));
  // Elsewhere in the file they are not in the way.
  for (const std::string& value : {quantised, sparse, array})
    CHECK(refusal(pytorch(whole(dict({{"model", weights(2)}, {"b", value}})))).empty());
}

TEST_CASE("pytorch: the legacy form in every pickle protocol") {
  const std::string rest = whole(integer(1001)) + whole(dict({{"little_endian", "\x88"}})) +
                           whole(dict({{"a", tensor(storage("FloatStorage", "7", 2), 0, {2}, {1})}})) +
                           whole("](" + text("7") + "e") + raw(std::uint64_t{2}) + floats({1, 2});
  const std::string number = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  const std::string frame = "\x95" + raw(std::uint64_t{13});
  for (const std::string& magic :
       std::vector<std::string>{"\x80\x02" + number, "\x80\x03" + number, "\x80\x04" + frame + number,
                                "\x80\x05" + frame + number, "L119547037146038801333356L\n."})
    CHECK(values(parsed(magic + rest).tensors.at("a")) == std::vector<float>{1, 2});
}

TEST_CASE("pytorch: zip archives of other kinds, and of big-endian machines") {
  CHECK(says(refusal(zip({{"a.txt", "hello"}})), "without data.pkl"));
  CHECK(says(refusal(zip({})), "without data.pkl"));
  CHECK(says(refusal(zip({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}})), "two pickles"));
  CHECK(says(refusal(zip({{"a/data.pkl", "N."}, {"a/byteorder", "big"}})), "'big'-endian"));
  CHECK(says(refusal(zip({{"a/data.pkl", "N.", 8}})), "compressed (method 8)"));
}
