#include "formats/tensor_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "formats/bytes.hpp"
#include "formats/npy.hpp"
#include "formats/onnx/onnx.hpp"
#include "formats/pytorch/pytorch.hpp"
#include "formats/safetensors.hpp"

namespace ablaze::formats {
namespace {

/// The header's length as 8 bytes, then JSON. A length beyond the format's limit is accepted here, so that
/// the reader can report it.
bool looks_like_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && bytes[8] == std::byte{'{'};
}

bool looks_like_text(std::span<const std::byte> bytes) {
  return std::ranges::all_of(as_text(bytes.first(std::min<std::size_t>(bytes.size(), 512))), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || (byte >= '\t' && byte <= '\r');
  });
}

/// What wrote a bare pickle, by the module that its first type is from.
std::string describe_pickle(std::span<const std::byte> bytes) {
  constexpr std::size_t head = 4096;
  const std::string_view start = as_text(bytes.first(std::min(bytes.size(), head)));
  for (const auto& [module, what] : std::array<std::array<std::string_view, 2>, 4>{
           {{"sklearn", " of scikit-learn, whose models are no convolutional networks"},
            {"xgboost", " of XGBoost, whose models are no convolutional networks"},
            {"keras", " of Keras: export the network to ONNX with tf2onnx"},
            {"numpy", " of NumPy's arrays"}}})
    if (start.find(module) != std::string_view::npos) return std::string(what);
  return {};
}

/// Describes the content of an unknown file, with advice.
std::string describe_content(std::span<const std::byte> bytes) {
  struct Known {
    std::string_view magic;
    std::string_view meaning;
  };
  static constexpr Known known[] = {
      {"\xFF\xD8\xFF", "a JPEG image"},
      {"\x89PNG", "a PNG image"},
      {"GIF8", "a GIF image"},
      {"%PDF", "a PDF document"},
      {"\x1F\x8B", "gzip-compressed data; unpack it first (gunzip)"},
      {"\x28\xB5\x2F\xFD", "zstd-compressed data; unpack it first (unzstd)"},
      {"\xFD"
       "7zXZ",
       "xz-compressed data; unpack it first (unxz)"},
      {"\x89HDF",
       "an HDF5 file, as Keras writes: export the network to ONNX (in Python, with tf2onnx: "
       "tf2onnx.convert.from_keras(keras.models.load_model('model.h5'), output_path='model.onnx'))"},
      {"ftrt", "a TensorRT engine, which is made for one GPU: use the ONNX file that it was built from"},
      {"ptrt", "a TensorRT engine, which is made for one GPU: use the ONNX file that it was built from"},
      {"7767517", "an ncnn network: use the ONNX file or the checkpoint that it was made from"},
      {"BZh", "bzip2-compressed data; unpack it first (bunzip2)"},
      {"7z\xBC\xAF", "a 7z archive; unpack it first"},
      {"Rar!", "a RAR archive; unpack it first"},
      {"GGUF", "a GGUF file"},
      {"\x7F"
       "ELF",
       "a program"},
      {"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with git lfs pull"},
  };
  if (bytes.empty()) return "is empty; download or write it again";
  if (bytes.size() > 8 && starts_with(bytes.subspan(4), "TFL3"))
    return "looks like a TensorFlow Lite model: export it to ONNX (python -m tf2onnx.convert --tflite "
           "model.tflite "
           "--output model.onnx)";
  if (looks_like_tensorflow(bytes))
    return "looks like a TensorFlow graph (.pb): export it to ONNX (python -m tf2onnx.convert --saved-model "
           "FOLDER "
           "--output model.onnx, or --graphdef model.pb with --inputs and --outputs)";
  for (const Known& kind : known)
    if (starts_with(bytes, kind.magic)) return "looks like " + std::string(kind.meaning);
  if (bytes.size() > 262 && starts_with(bytes.subspan(257), "ustar"))
    return "looks like a tar archive: unpack it first, or, if PyTorch before 0.2 wrote it, save it again "
           "with a "
           "current one";
  if (looks_like_npy(bytes)) return "looks like a NumPy array (.npy), which is an input, not a network";
  if (looks_like_onnx(bytes)) return "looks like an ONNX model, which is a network, not only named weights";
  if (!looks_like_text(bytes)) return "has unknown content";
  const std::string_view start = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 256)));
  const std::string any_case = base::lower(start);
  if (any_case.find("<html") != std::string::npos || any_case.find("<!doctype") != std::string::npos)
    return "looks like a web page; the download failed, download the file itself";
  return "looks like text (" + in_quotes(start.substr(0, start.find_first_of("\r\n")).substr(0, 40)) + ")";
}

}  // namespace

bool looks_like_tensorflow(std::span<const std::byte> bytes) {
  constexpr std::size_t head = 4096;
  if (!starts_with(bytes, "\n") && !starts_with(bytes, "\x08\x01\x12")) return false;
  const std::string_view start = as_text(bytes.first(std::min(bytes.size(), head)));
  return std::ranges::any_of(std::array<std::string_view, 4>{"Placeholder",
                                                             "\x12\x05"
                                                             "Const",
                                                             "VarHandleOp", "VariableV2"},
                             [&](std::string_view op) { return start.find(op) != std::string_view::npos; });
}

TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name, const std::string& under) {
  if (looks_like_pytorch(bytes)) return parse_pytorch(bytes, std::move(owner), name, under);
  if (starts_with(bytes, "\x80")) {
    throw malformed(name, "it is a bare pickle" + describe_pickle(bytes) +
                              ", which is not read and was not executed. Save the weights with PyTorch: "
                              "torch.save(model.state_dict(), 'weights.pth')");
  }
  if (looks_like_safetensors(bytes)) {
    TensorFile file = parse_safetensors(bytes, owner, name);
    file.under = under;
    return file;
  }
  throw malformed(name, "it " + describe_content(bytes) +
                            ". Expected a model: safetensors, a PyTorch state dict (.pth, .pt) or ONNX");
}

TensorFile read_tensor_file(const std::filesystem::path& file) {
  const auto mapped = base::MappedFile::open(file);
  return parse_tensor_file(mapped->bytes(), mapped, file.string());
}

}  // namespace ablaze::formats
